#pragma once

#include <span>

#include "flexmig/base/status.h"
#include "flexmig/nccl_abi/types.h"

namespace flexmig::nccl {

// What ncclCommInitRank and its kin do: check what can be checked, make the handle, and put the
// rest into the calling thread's group. `*out` is set at once. Errors: as the functions; `*out` is
// then untouched, or NCCL_COMM_NULL.
Result<ncclResult_t> InitRank(ncclComm_t* out, int world_size, std::span<const ncclUniqueId> ids,
                              int rank, const ncclConfig_t* config);
Result<ncclResult_t> InitAll(ncclComm_t* out, int count, const int* devices);
Result<ncclResult_t> Split(ncclComm_t parent, int color, int key, ncclComm_t* out,
                           const ncclConfig_t* config);
Result<ncclResult_t> Shrink(ncclComm_t parent, const int* excluded, int count, ncclComm_t* out,
                            const ncclConfig_t* config, int flags);

}  // namespace flexmig::nccl
