#include "real_nccl.h"

#include <map>
#include <mutex>
#include <utility>

#include <dlfcn.h>

#include "flexmig/base/strings.h"

namespace flexmig::nccl {
namespace {

template <typename F>
void Find(void* library, const char* name, F& function, std::string& missing) {
  function = reinterpret_cast<F>(::dlsym(library, name));
  if (function == nullptr && missing.empty()) missing = name;
}

Result<RealNccl::Functions> Resolve(void* library) {
  RealNccl::Functions f;
  std::string missing;
  Find(library, "ncclGetVersion", f.get_version, missing);
  Find(library, "ncclGetUniqueId", f.get_unique_id, missing);
  Find(library, "ncclGetErrorString", f.get_error_string, missing);
  Find(library, "ncclCommInitRankConfig", f.comm_init_rank_config, missing);
  Find(library, "ncclCommSplit", f.comm_split, missing);
  Find(library, "ncclCommFinalize", f.comm_finalize, missing);
  Find(library, "ncclCommDestroy", f.comm_destroy, missing);
  Find(library, "ncclCommAbort", f.comm_abort, missing);
  Find(library, "ncclCommGetAsyncError", f.comm_get_async_error, missing);
  Find(library, "ncclCommCount", f.comm_count, missing);
  Find(library, "ncclCommUserRank", f.comm_user_rank, missing);
  Find(library, "ncclRedOpCreatePreMulSum", f.red_op_create, missing);
  Find(library, "ncclRedOpDestroy", f.red_op_destroy, missing);
  Find(library, "ncclAllReduce", f.all_reduce, missing);
  Find(library, "ncclReduce", f.reduce, missing);
  Find(library, "ncclReduceScatter", f.reduce_scatter, missing);
  Find(library, "ncclAllGather", f.all_gather, missing);
  Find(library, "ncclBroadcast", f.broadcast, missing);
  Find(library, "ncclSend", f.send, missing);
  Find(library, "ncclRecv", f.recv, missing);
  Find(library, "ncclGroupStart", f.group_start, missing);
  Find(library, "ncclGroupEnd", f.group_end, missing);
  if (!missing.empty()) return UnavailableError(StrCat("it has no function ", missing));
  std::string optional;
  Find(library, "ncclCommShrink", f.comm_shrink, optional);
  return f;
}

// Where the library or program that holds the address begins; null if none does.
const void* ModuleOf(const void* address) {
  Dl_info info{};
  return ::dladdr(address, &info) == 0 ? nullptr : info.dli_fbase;
}

}  // namespace

Result<const RealNccl*> RealNccl::Load(const std::string& path) {
  static std::mutex& mutex = *new std::mutex;
  static auto& loaded = *new std::map<std::string, RealNccl>;
  const std::lock_guard lock(mutex);
  if (const auto found = loaded.find(path); found != loaded.end()) return &found->second;
  // DEEPBIND, so that its calls of its own functions do not come here, where LD_PRELOAD has put
  // this library in front of everything.
  void* const library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (library == nullptr) {
    const char* const reason = ::dlerror();
    return UnavailableError(StrCat("it cannot be loaded: ", reason == nullptr ? path : reason));
  }
  const auto functions = Resolve(library);
  if (!functions.ok()) return functions.status().WithContext(path);
  if (ModuleOf(reinterpret_cast<const void*>(functions->get_version)) ==
      ModuleOf(reinterpret_cast<const void*>(&Resolve))) {
    return UnavailableError(StrCat(path, " is Flex-MIG's own"));
  }
  RealNccl real;
  real.functions_ = *functions;
  FLEXMIG_RETURN_IF_ERROR(
      real.ToStatus(real.functions_.get_version(&real.version_), "ncclGetVersion"));
  return &loaded.emplace(path, real).first->second;
}

Status RealNccl::ToStatus(ncclResult_t result, const char* what) const {
  const std::string text = StrCat(what, ": ", functions_.get_error_string(result));
  switch (result) {
    case ncclSuccess: return OkStatus();
    case ncclSystemError: return UnavailableError(text);
    case ncclInvalidArgument: return InvalidArgumentError(text);
    case ncclInvalidUsage: return FailedPreconditionError(text);
    case ncclRemoteError: return AbortedError(text);
    case ncclUnhandledCudaError:
    case ncclInternalError:
    case ncclInProgress:
    case ncclNumResults: break;
  }
  return InternalError(text);
}

}  // namespace flexmig::nccl
