#ifndef FLEXMIG_NCCL_ABI_FUNCTIONS_H_
#define FLEXMIG_NCCL_ABI_FUNCTIONS_H_

/* The functions of NCCL's C interface, version 2.28.9: what libnccl.so.2 of Flex-MIG exports.
 * docs/reference/nccl-compat.md says what each of them does here. Each has a second name that
 * begins with a p, for tools that put a function of their own under the first and call the second.
 *
 * All are thread-safe but for the state that a group is: that is the calling thread's. None throws.
 * Outputs are untouched on errors, but for communicators that could not be made, which become
 * NCCL_COMM_NULL. */

#ifndef FLEXMIG_NCCL_HAS_TYPES /* the test that puts these under NCCL's own types */
#include "flexmig/nccl_abi/types.h"
#endif

/* NOLINTBEGIN(readability-identifier-naming): C's names, not ours. */

#ifndef FLEXMIG_NCCL_API /* what the library is built with */
#define FLEXMIG_NCCL_API
#endif

#ifdef __cplusplus
extern "C" {
#endif
#ifndef FLEXMIG_NCCL_NOEXCEPT
#ifdef __cplusplus
#define FLEXMIG_NCCL_NOEXCEPT noexcept
#else
#define FLEXMIG_NCCL_NOEXCEPT
#endif
#endif

#define FLEXMIG_NCCL_FUNCTION(result, name, ...)                         \
  FLEXMIG_NCCL_API result nccl##name(__VA_ARGS__) FLEXMIG_NCCL_NOEXCEPT; \
  FLEXMIG_NCCL_API result pnccl##name(__VA_ARGS__) FLEXMIG_NCCL_NOEXCEPT

/* --- The library --- */

FLEXMIG_NCCL_FUNCTION(ncclResult_t, GetVersion, int* version);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, GetUniqueId, ncclUniqueId* id);
FLEXMIG_NCCL_FUNCTION(const char*, GetErrorString, ncclResult_t result);
/* Valid until the calling thread's next call of it. */
FLEXMIG_NCCL_FUNCTION(const char*, GetLastError, ncclComm_t comm);
FLEXMIG_NCCL_FUNCTION(void, ResetDebugInit, void);
FLEXMIG_NCCL_API void ncclResetDebugInitInternal(void) FLEXMIG_NCCL_NOEXCEPT;

/* --- Memory --- */

FLEXMIG_NCCL_FUNCTION(ncclResult_t, MemAlloc, void** pointer, size_t bytes);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, MemFree, void* pointer);

/* --- Communicators --- */

FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommInitRank, ncclComm_t* comm, int world_size, ncclUniqueId id,
                      int rank);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommInitRankConfig, ncclComm_t* comm, int world_size,
                      ncclUniqueId id, int rank, ncclConfig_t* config);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommInitRankScalable, ncclComm_t* comm, int world_size,
                      int rank, int id_count, ncclUniqueId* ids, ncclConfig_t* config);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommInitAll, ncclComm_t* comms, int device_count,
                      const int* devices);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommSplit, ncclComm_t comm, int color, int key,
                      ncclComm_t* child, ncclConfig_t* config);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommShrink, ncclComm_t comm, int* excluded, int excluded_count,
                      ncclComm_t* child, ncclConfig_t* config, int flags);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommFinalize, ncclComm_t comm);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommDestroy, ncclComm_t comm);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommAbort, ncclComm_t comm);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommRevoke, ncclComm_t comm, int flags);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommGetAsyncError, ncclComm_t comm, ncclResult_t* error);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommCount, const ncclComm_t comm, int* count);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommCuDevice, const ncclComm_t comm, int* device);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommUserRank, const ncclComm_t comm, int* rank);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommRegister, const ncclComm_t comm, void* buffer, size_t bytes,
                      void** handle);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommDeregister, const ncclComm_t comm, void* handle);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommWindowRegister, ncclComm_t comm, void* buffer, size_t bytes,
                      ncclWindow_t* window, int flags);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, CommWindowDeregister, ncclComm_t comm, ncclWindow_t window);

/* --- Operations --- */

FLEXMIG_NCCL_FUNCTION(ncclResult_t, RedOpCreatePreMulSum, ncclRedOp_t* op, void* scalar,
                      ncclDataType_t type, ncclScalarResidence_t residence, ncclComm_t comm);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, RedOpDestroy, ncclRedOp_t op, ncclComm_t comm);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, AllReduce, const void* send, void* receive, size_t count,
                      ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, Reduce, const void* send, void* receive, size_t count,
                      ncclDataType_t type, ncclRedOp_t op, int root, ncclComm_t comm,
                      cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, ReduceScatter, const void* send, void* receive, size_t count,
                      ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, AllGather, const void* send, void* receive, size_t count,
                      ncclDataType_t type, ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, Broadcast, const void* send, void* receive, size_t count,
                      ncclDataType_t type, int root, ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, Bcast, void* buffer, size_t count, ncclDataType_t type,
                      int root, ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, AlltoAll, const void* send, void* receive, size_t count,
                      ncclDataType_t type, ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, Gather, const void* send, void* receive, size_t count,
                      ncclDataType_t type, int root, ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, Scatter, const void* send, void* receive, size_t count,
                      ncclDataType_t type, int root, ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, Send, const void* data, size_t count, ncclDataType_t type,
                      int peer, ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, Recv, void* data, size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, GroupStart, void);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, GroupEnd, void);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, GroupSimulateEnd, ncclSimInfo_t* info);

/* --- The device interface --- */

FLEXMIG_NCCL_FUNCTION(ncclResult_t, DevCommCreate, ncclComm_t comm,
                      ncclDevCommRequirements_t const* requirements, ncclDevComm_t* created);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, DevCommDestroy, ncclComm_t comm, ncclDevComm_t const* created);
FLEXMIG_NCCL_FUNCTION(ncclTeam_t, TeamWorld, ncclComm_t comm);
FLEXMIG_NCCL_FUNCTION(ncclTeam_t, TeamLsa, ncclComm_t comm);
FLEXMIG_NCCL_FUNCTION(ncclTeam_t, TeamRail, ncclComm_t comm);
FLEXMIG_NCCL_FUNCTION(int, TeamRankToWorld, ncclComm_t comm, ncclTeam_t team, int rank);
FLEXMIG_NCCL_FUNCTION(int, TeamRankToLsa, ncclComm_t comm, ncclTeam_t team, int rank);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, LsaBarrierCreateRequirement, ncclTeam_t team, int count,
                      ncclLsaBarrierHandle_t* handle, ncclDevResourceRequirements_t* requirements);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, GinBarrierCreateRequirement, ncclComm_t comm, ncclTeam_t team,
                      int count, ncclGinBarrierHandle_t* handle,
                      ncclDevResourceRequirements_t* requirements);
FLEXMIG_NCCL_FUNCTION(int, LLA2ACalcSlots, int max_elements, int max_element_bytes);
FLEXMIG_NCCL_FUNCTION(ncclResult_t, LLA2ACreateRequirement, int blocks, int slots,
                      ncclLLA2AHandle_t* handle, ncclDevResourceRequirements_t* requirements);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming) */

#endif /* FLEXMIG_NCCL_ABI_FUNCTIONS_H_ */
