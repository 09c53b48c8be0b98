/* Opens libnccl.so.2 by its name, as CuPy and vLLM do: prints the version of the one that it got.
 */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  int (*get_version)(int*) = NULL;
  int version = 0;
  void* found = NULL;
  void* library = dlopen("libnccl.so.2", RTLD_NOW);
  if (library == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  found = dlsym(library, "ncclGetVersion");
  memcpy(&get_version, &found, sizeof get_version); /* C has no cast between the two */
  if (get_version == NULL || get_version(&version) != 0) return 1;
  printf("%d\n", version);
  return 0;
}
