/* nccl-allreduce: an all-reduce of numbers in GPU memory, through CUDA's driver and NCCL, both
 * loaded at run time: whichever libcuda.so.1 and libnccl.so.2 the process finds. Under `flexmig
 * run` every rank has one leaf; rank 0 passes NCCL's unique id on through a file that the first
 * argument names.
 *
 *   flexmig run -n 4 -- nccl-allreduce /tmp/id
 *
 * The declarations are those of cuda.h and nccl.h that this program needs. */

#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  char bytes[128];
} UniqueId;
enum { kFloat = 7, kSum = 0 }; /* ncclFloat32, ncclSum */
enum { kCount = 1000000 };

static int (*cu_init)(unsigned);
static int (*cu_device_get)(int*, int);
static int (*cu_device_get_name)(char*, int, int);
static int (*cu_primary_retain)(void**, int);
static int (*cu_set_current)(void*);
static int (*cu_alloc)(uint64_t*, size_t);
static int (*cu_to_device)(uint64_t, const void*, size_t);
static int (*cu_to_host)(void*, uint64_t, size_t);
static int (*cu_stream_create)(void**, unsigned);
static int (*cu_stream_synchronize)(void*);

static int (*nccl_get_version)(int*);
static int (*nccl_get_unique_id)(UniqueId*);
static int (*nccl_init_rank)(void**, int, UniqueId, int);
static int (*nccl_all_reduce)(const void*, void*, size_t, int, int, void*, void*);
static int (*nccl_destroy)(void*);
static const char* (*nccl_last_error)(void*);

static int rank;
static int ranks;

static void Fail(const char* what, const char* detail) {
  fprintf(stderr, "nccl-allreduce: rank %d: %s: %s\n", rank, what, detail);
  exit(1);
}

static void Find(void* library, const char* name, void* function) {
  void* symbol = dlsym(library, name);
  if (symbol == NULL) Fail(name, dlerror());
  memcpy(function, &symbol, sizeof symbol); /* C has no cast from data to functions */
}

static void LoadLibraries(void) {
  void* cuda = dlopen("libcuda.so.1", RTLD_NOW);
  if (cuda == NULL) Fail("no driver", dlerror());
  Find(cuda, "cuInit", &cu_init);
  Find(cuda, "cuDeviceGet", &cu_device_get);
  Find(cuda, "cuDeviceGetName", &cu_device_get_name);
  Find(cuda, "cuDevicePrimaryCtxRetain", &cu_primary_retain);
  Find(cuda, "cuCtxSetCurrent", &cu_set_current);
  Find(cuda, "cuMemAlloc_v2", &cu_alloc);
  Find(cuda, "cuMemcpyHtoD_v2", &cu_to_device);
  Find(cuda, "cuMemcpyDtoH_v2", &cu_to_host);
  Find(cuda, "cuStreamCreate", &cu_stream_create);
  Find(cuda, "cuStreamSynchronize", &cu_stream_synchronize);
  void* nccl = dlopen("libnccl.so.2", RTLD_NOW);
  if (nccl == NULL) Fail("no NCCL", dlerror());
  Find(nccl, "ncclGetVersion", &nccl_get_version);
  Find(nccl, "ncclGetUniqueId", &nccl_get_unique_id);
  Find(nccl, "ncclCommInitRank", &nccl_init_rank);
  Find(nccl, "ncclAllReduce", &nccl_all_reduce);
  Find(nccl, "ncclCommDestroy", &nccl_destroy);
  Find(nccl, "ncclGetLastError", &nccl_last_error);
}

static void CheckCuda(int result, const char* call) {
  char number[16];
  snprintf(number, sizeof number, "CUresult %d", result);
  if (result != 0) Fail(call, number);
}

static void CheckNccl(int result, const char* call) {
  if (result != 0) Fail(call, nccl_last_error(NULL));
}

/* Rank 0 writes the id beside `path` and renames it; the others wait for it, 30 s at most. */
static UniqueId ShareId(const char* path) {
  UniqueId id;
  if (rank == 0) {
    char beside[4096];
    CheckNccl(nccl_get_unique_id(&id), "ncclGetUniqueId");
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE* file = fopen(beside, "wb");
    if (file == NULL || fwrite(&id, sizeof id, 1, file) != 1 || fclose(file) != 0 ||
        rename(beside, path) != 0) {
      Fail(path, "cannot be written");
    }
    return id;
  }
  for (int i = 0; i < 3000; ++i) {
    const struct timespec nap = {0, 10000000};
    FILE* file = fopen(path, "rb");
    if (file != NULL) {
      const size_t got = fread(&id, sizeof id, 1, file);
      fclose(file);
      if (got == 1) return id;
    }
    nanosleep(&nap, NULL);
  }
  Fail(path, "did not come within 30 s");
  return id;
}

int main(int argc, char** argv) {
  const char* rank_text = getenv("RANK");
  const char* ranks_text = getenv("WORLD_SIZE");
  if (argc != 2 || rank_text == NULL || ranks_text == NULL) {
    fprintf(stderr, "usage: flexmig run -n N -- nccl-allreduce FILE\n");
    return 2;
  }
  rank = atoi(rank_text);
  ranks = atoi(ranks_text);
  LoadLibraries();

  int device, version;
  char name[128];
  void *context, *stream, *communicator;
  uint64_t memory;
  CheckCuda(cu_init(0), "cuInit");
  CheckCuda(cu_device_get(&device, 0), "cuDeviceGet");
  CheckCuda(cu_device_get_name(name, sizeof name, device), "cuDeviceGetName");
  CheckCuda(cu_primary_retain(&context, device), "cuDevicePrimaryCtxRetain");
  CheckCuda(cu_set_current(context), "cuCtxSetCurrent");
  CheckCuda(cu_stream_create(&stream, 0), "cuStreamCreate");
  CheckCuda(cu_alloc(&memory, kCount * sizeof(float)), "cuMemAlloc");
  CheckNccl(nccl_get_version(&version), "ncclGetVersion");
  CheckNccl(nccl_init_rank(&communicator, ranks, ShareId(argv[1]), rank), "ncclCommInitRank");

  static float data[kCount];
  for (int i = 0; i < kCount; ++i) data[i] = (float)(rank + 1 + i % 1000);
  CheckCuda(cu_to_device(memory, data, sizeof data), "cuMemcpyHtoD");
  void* pointer = (void*)(uintptr_t)memory; /* NOLINT: the ABI's addresses are numbers */
  CheckNccl(nccl_all_reduce(pointer, pointer, kCount, kFloat, kSum, communicator, stream),
            "ncclAllReduce");
  CheckCuda(cu_stream_synchronize(stream), "cuStreamSynchronize");
  CheckCuda(cu_to_host(data, memory, sizeof data), "cuMemcpyDtoH");

  int wrong = 0;
  for (int i = 0; i < kCount; ++i) {
    if (data[i] != (float)(ranks * (ranks + 1) / 2 + ranks * (i % 1000))) ++wrong;
  }
  CheckNccl(nccl_destroy(communicator), "ncclCommDestroy");
  if (rank == 0) {
    printf("%s: sum of %d floats over %d ranks: %d wrong elements\n", name, kCount, ranks, wrong);
  }
  return wrong == 0 ? 0 : 1;
}
