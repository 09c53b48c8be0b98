/* Another libnccl.so.2, which shows by its version that it was taken, and writes down, in the file
 * that STUB_NCCL_LOG names, what it is asked to do. It moves nothing. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flexmig/nccl_abi/types.h"

enum { kVersion = 22700 };

struct ncclComm {
  int rank;
  int count;
};

static void Log(const char* format, int a, int b) {
  const char* name = getenv("STUB_NCCL_LOG");
  FILE* file = name == NULL ? NULL : fopen(name, "a");
  if (file == NULL) return;
  fprintf(file, format, a, b);
  fclose(file);
}

static ncclComm_t Make(int rank, int count) {
  ncclComm_t comm = malloc(sizeof *comm);
  if (comm != NULL) {
    comm->rank = rank;
    comm->count = count;
  }
  return comm;
}

ncclResult_t ncclGetVersion(int* version) {
  *version = kVersion;
  return ncclSuccess;
}

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  memset(id, 's', sizeof *id);
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclSuccess ? "no error" : "an error of the stub";
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int count, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (id.internal[0] != 's' || id.internal[127] != 's' || config->blocking != 0) {
    return ncclInvalidArgument;
  }
  Log("init rank %d of %d\n", rank, count);
  *comm = Make(rank, count);
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  *error = comm == NULL ? ncclInternalError : ncclSuccess;
  return ncclSuccess;
}

ncclResult_t ncclCommSplit(ncclComm_t comm, int color, int key, ncclComm_t* child,
                           ncclConfig_t* config) {
  (void)config;
  Log("split color %d key %d\n", color, key);
  *child = color < 0 ? NULL : Make(comm->rank, comm->count);
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  Log("finalize rank %d of %d\n", comm->rank, comm->count);
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  free(comm);
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  free(comm);
  return ncclSuccess;
}
ncclResult_t ncclCommCount(ncclComm_t comm, int* count) {
  *count = comm->count;
  return ncclSuccess;
}
ncclResult_t ncclCommUserRank(ncclComm_t comm, int* rank) {
  *rank = comm->rank;
  return ncclSuccess;
}

ncclResult_t ncclRedOpCreatePreMulSum(ncclRedOp_t* op, void* scalar, ncclDataType_t type,
                                      ncclScalarResidence_t residence, ncclComm_t comm) {
  (void)scalar, (void)comm;
  Log("premulsum type %d residence %d\n", (int)type, (int)residence);
  *op = (ncclRedOp_t)9;
  return ncclSuccess;
}
ncclResult_t ncclRedOpDestroy(ncclRedOp_t op, ncclComm_t comm) {
  Log("destroy op %d of %d\n", (int)op, comm->count);
  return ncclSuccess;
}

static ncclResult_t Collective(const char* format, size_t count, int what) {
  Log(format, (int)count, what);
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* send, void* receive, size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  (void)send, (void)receive, (void)type, (void)comm, (void)stream;
  return Collective("all-reduce %d op %d\n", count, (int)op);
}
ncclResult_t ncclReduce(const void* send, void* receive, size_t count, ncclDataType_t type,
                        ncclRedOp_t op, int root, ncclComm_t comm, cudaStream_t stream) {
  (void)send, (void)receive, (void)type, (void)op, (void)comm, (void)stream;
  return Collective("reduce %d root %d\n", count, root);
}
ncclResult_t ncclReduceScatter(const void* send, void* receive, size_t count, ncclDataType_t type,
                               ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  (void)send, (void)receive, (void)type, (void)comm, (void)stream;
  return Collective("reduce-scatter %d op %d\n", count, (int)op);
}
ncclResult_t ncclAllGather(const void* send, void* receive, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  (void)send, (void)receive, (void)comm, (void)stream;
  return Collective("all-gather %d type %d\n", count, (int)type);
}
ncclResult_t ncclBroadcast(const void* send, void* receive, size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t stream) {
  (void)send, (void)receive, (void)type, (void)comm, (void)stream;
  return Collective("broadcast %d root %d\n", count, root);
}
ncclResult_t ncclSend(const void* data, size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
  (void)data, (void)type, (void)comm, (void)stream;
  return Collective("send %d to %d\n", count, peer);
}
ncclResult_t ncclRecv(void* data, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  (void)data, (void)type, (void)comm, (void)stream;
  return Collective("recv %d from %d\n", count, peer);
}

ncclResult_t ncclGroupStart(void) {
  Log("group start %d %d\n", 0, 0);
  return ncclSuccess;
}
ncclResult_t ncclGroupEnd(void) {
  Log("group end %d %d\n", 0, 0);
  return ncclSuccess;
}
