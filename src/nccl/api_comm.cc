// What can be asked of communicators, and how they end.

#include <memory>
#include <string>
#include <utility>

#include "flexmig/base/strings.h"

#include "api.h"
#include "border.h"
#include "debug_log.h"
#include "group.h"
#include "handles.h"
#include "result.h"

namespace flexmig::nccl {
namespace {

// Sets *out to a fact that is known when the initialisation has ended.
ncclResult_t Tell(const char* function, ncclComm_t handle, int* out,
                  int (Comm::*fact)() const) noexcept {
  return Border(function, [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, FindComm(handle));
    if (out == nullptr) return InvalidArgumentError("the pointer to the result is null");
    FLEXMIG_RETURN_IF_ERROR(comm->Initialized());
    *out = ((*comm).*fact)();
    return OkStatus();
  });
}

// The communicator that the caller gives up; null for a null handle.
Result<std::shared_ptr<Comm>> TakeComm(ncclComm_t handle) {
  if (handle == NCCL_COMM_NULL) return std::shared_ptr<Comm>();
  auto comm = Handles::Get().Remove(handle);
  if (comm == nullptr) {
    return InvalidArgumentError(
        "the communicator is none: it was destroyed or aborted, or never made");
  }
  return comm;
}

}  // namespace
}  // namespace flexmig::nccl

using flexmig::InvalidArgumentError;
using flexmig::OkStatus;
using flexmig::Result;
using flexmig::Status;
using flexmig::StrCat;
using namespace flexmig::nccl;  // NOLINT(google-build-using-namespace): the border's whole purpose

extern "C" {

ncclResult_t ncclCommCount(const ncclComm_t comm, int* count) noexcept {
  return Tell("ncclCommCount", comm, count, &Comm::world_size);
}
FLEXMIG_NCCL_ALIAS(CommCount);

ncclResult_t ncclCommCuDevice(const ncclComm_t comm, int* device) noexcept {
  return Tell("ncclCommCuDevice", comm, device, &Comm::device);
}
FLEXMIG_NCCL_ALIAS(CommCuDevice);

ncclResult_t ncclCommUserRank(const ncclComm_t comm, int* rank) noexcept {
  return Tell("ncclCommUserRank", comm, rank, &Comm::rank);
}
FLEXMIG_NCCL_ALIAS(CommUserRank);

ncclResult_t ncclCommGetAsyncError(ncclComm_t handle, ncclResult_t* error) noexcept {
  return Border("ncclCommGetAsyncError", [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, FindComm(handle));
    if (error == nullptr) return InvalidArgumentError("the pointer to the result is null");
    std::string why;
    *error = comm->AsyncResult(why);
    return OkStatus();
  });
}
FLEXMIG_NCCL_ALIAS(CommGetAsyncError);

// A communicator's own end is told rather than what some call has failed with since.
const char* ncclGetLastError(ncclComm_t handle) noexcept {
  try {
    if (const auto comm = Handles::Get().Find(handle)) {
      std::string why;
      if (comm->AsyncResult(why) != ncclInProgress && !why.empty()) {
        return KeepForThread(std::move(why));
      }
    }
    return LastError();
  } catch (...) {
    return "";
  }
}
FLEXMIG_NCCL_ALIAS(GetLastError);

ncclResult_t ncclCommFinalize(ncclComm_t handle) noexcept {
  return Border("ncclCommFinalize", [&]() -> Result<ncclResult_t> {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, FindComm(handle));
    FLEXMIG_RETURN_IF_ERROR(comm->BeginFinalize());
    if (comm->config().blocking) {
      FLEXMIG_RETURN_IF_ERROR(comm->EndFinalize());
      return ncclSuccess;
    }
    const Status started = RunInBackground([comm] { static_cast<void>(comm->EndFinalize()); });
    if (!started.ok()) {
      comm->EndJob(started);
      return started;
    }
    return ncclInProgress;
  });
}
FLEXMIG_NCCL_ALIAS(CommFinalize);

ncclResult_t ncclCommDestroy(ncclComm_t handle) noexcept {
  return Border("ncclCommDestroy", [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, TakeComm(handle));
    if (comm != nullptr) comm->Close();
    return OkStatus();
  });
}
FLEXMIG_NCCL_ALIAS(CommDestroy);

ncclResult_t ncclCommAbort(ncclComm_t handle) noexcept {
  return Border("ncclCommAbort", [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, TakeComm(handle));
    if (comm != nullptr) comm->Stop("ncclCommAbort was called");
    return OkStatus();
  });
}
FLEXMIG_NCCL_ALIAS(CommAbort);

ncclResult_t ncclCommRevoke(ncclComm_t handle, int flags) noexcept {
  return Border("ncclCommRevoke", [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, FindComm(handle));
    if (flags != NCCL_REVOKE_DEFAULT) {
      return InvalidArgumentError(StrCat("revokeFlags ", flags, " are none"));
    }
    return comm->Revoke();
  });
}
FLEXMIG_NCCL_ALIAS(CommRevoke);

ncclResult_t ncclRedOpCreatePreMulSum(ncclRedOp_t* op, void* scalar, ncclDataType_t type,
                                      ncclScalarResidence_t residence, ncclComm_t handle) noexcept {
  return Border("ncclRedOpCreatePreMulSum", [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, FindComm(handle));
    if (op == nullptr) return InvalidArgumentError("the pointer to the reduction is null");
    FLEXMIG_RETURN_IF_ERROR(comm->Initialized());
    FLEXMIG_ASSIGN_OR_RETURN(*op, comm->CreatePreMulSum(scalar, type, residence));
    return OkStatus();
  });
}
FLEXMIG_NCCL_ALIAS(RedOpCreatePreMulSum);

ncclResult_t ncclRedOpDestroy(ncclRedOp_t op, ncclComm_t handle) noexcept {
  return Border("ncclRedOpDestroy", [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, FindComm(handle));
    return comm->DestroyOp(op);
  });
}
FLEXMIG_NCCL_ALIAS(RedOpDestroy);

}  // extern "C"
