/* Linked with libnccl.so.2, as PyTorch's wheels are: prints the version of the one that it got. */

#include <stdio.h>

#include "flexmig/nccl_abi/functions.h"

int main(void) {
  int version = 0;
  if (ncclGetVersion(&version) != ncclSuccess) return 1;
  printf("%d\n", version);
  return 0;
}
