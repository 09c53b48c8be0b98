#pragma once

#include <functional>
#include <memory>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/nccl_abi/functions.h"

#include "transport.h"

namespace flexmig::nccl {

// Another NCCL in this process, with a namespace of its own. Never unloaded.
class RealNccl {
 public:
  struct Functions {
    decltype(&::ncclGetVersion) get_version = nullptr;
    decltype(&::ncclGetUniqueId) get_unique_id = nullptr;
    decltype(&::ncclGetErrorString) get_error_string = nullptr;
    decltype(&::ncclCommInitRankConfig) comm_init_rank_config = nullptr;
    decltype(&::ncclCommSplit) comm_split = nullptr;
    decltype(&::ncclCommFinalize) comm_finalize = nullptr;
    decltype(&::ncclCommDestroy) comm_destroy = nullptr;
    decltype(&::ncclCommAbort) comm_abort = nullptr;
    decltype(&::ncclCommGetAsyncError) comm_get_async_error = nullptr;
    decltype(&::ncclCommCount) comm_count = nullptr;
    decltype(&::ncclCommUserRank) comm_user_rank = nullptr;
    decltype(&::ncclRedOpCreatePreMulSum) red_op_create = nullptr;
    decltype(&::ncclRedOpDestroy) red_op_destroy = nullptr;
    decltype(&::ncclAllReduce) all_reduce = nullptr;
    decltype(&::ncclReduce) reduce = nullptr;
    decltype(&::ncclReduceScatter) reduce_scatter = nullptr;
    decltype(&::ncclAllGather) all_gather = nullptr;
    decltype(&::ncclBroadcast) broadcast = nullptr;
    decltype(&::ncclSend) send = nullptr;
    decltype(&::ncclRecv) recv = nullptr;
    decltype(&::ncclGroupStart) group_start = nullptr;
    decltype(&::ncclGroupEnd) group_end = nullptr;
    decltype(&::ncclCommShrink) comm_shrink = nullptr;  // since 2.27; may be null
  };

  // The same object for the same path. Errors: kUnavailable if it cannot be loaded, is this library
  // itself, or lacks a function.
  static Result<const RealNccl*> Load(const std::string& path);

  [[nodiscard]] const Functions& functions() const { return functions_; }
  [[nodiscard]] int version() const { return version_; }
  [[nodiscard]] Status ToStatus(ncclResult_t result, const char* what) const;

 private:
  Functions functions_;
  int version_ = 0;
};

// One of its communicators. Blocks until all ranks have come; an error of `interrupted` ends that.
Result<std::unique_ptr<Transport>> MakeRealTransport(const RealNccl& real, const ncclUniqueId& id,
                                                     int rank, int world_size,
                                                     const std::function<Status()>& interrupted);

}  // namespace flexmig::nccl
