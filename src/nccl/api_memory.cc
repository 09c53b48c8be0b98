#include "flexmig/cuda/driver.h"

#include "api.h"
#include "border.h"
#include "debug_log.h"

using flexmig::InvalidArgumentError;
using flexmig::OkStatus;
using flexmig::Status;
using flexmig::UnimplementedError;
using flexmig::cuda::Driver;
using flexmig::nccl::Border;
using flexmig::nccl::Comm;
using flexmig::nccl::FindComm;

extern "C" {

// Plain memory of the current context's device: there is no better kind for copy engines.
ncclResult_t ncclMemAlloc(void** pointer, size_t bytes) noexcept {
  return Border("ncclMemAlloc", [&]() -> Status {
    if (pointer == nullptr) return InvalidArgumentError("the pointer to the memory is null");
    if (bytes == 0) {
      *pointer = nullptr;
      return OkStatus();
    }
    FLEXMIG_ASSIGN_OR_RETURN(const Driver* const driver, Driver::Load());
    FLEXMIG_RETURN_IF_ERROR(driver->CurrentOrPrimary().status());
    FLEXMIG_ASSIGN_OR_RETURN(*pointer, driver->Allocate(bytes));
    return OkStatus();
  });
}
FLEXMIG_NCCL_ALIAS(MemAlloc);

ncclResult_t ncclMemFree(void* pointer) noexcept {
  return Border("ncclMemFree", [&]() -> Status {
    if (pointer == nullptr) return OkStatus();
    FLEXMIG_ASSIGN_OR_RETURN(const Driver* const driver, Driver::Load());
    FLEXMIG_RETURN_IF_ERROR(driver->CurrentOrPrimary().status());
    return driver->Free(pointer);
  });
}
FLEXMIG_NCCL_ALIAS(MemFree);

// Accepted, because programs give up without it; copy engines take every buffer as it is.
ncclResult_t ncclCommRegister(const ncclComm_t handle, void* buffer, size_t bytes,
                              void** registration) noexcept {
  return Border("ncclCommRegister", [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, FindComm(handle));
    if (buffer == nullptr || bytes == 0) return InvalidArgumentError("the buffer is empty");
    if (registration == nullptr) return InvalidArgumentError("the pointer to the handle is null");
    FLEXMIG_RETURN_IF_ERROR(comm->Usable());
    *registration = comm->Register();
    flexmig::nccl::LogInfo(
        flexmig::nccl::Subsystem::kRegistration, comm->device(),
        "ncclCommRegister: noted; registered buffers are copied as all others are");
    return OkStatus();
  });
}
FLEXMIG_NCCL_ALIAS(CommRegister);

ncclResult_t ncclCommDeregister(const ncclComm_t handle, void* registration) noexcept {
  return Border("ncclCommDeregister", [&]() -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const std::shared_ptr<Comm> comm, FindComm(handle));
    return registration == nullptr ? OkStatus() : comm->Deregister(registration);
  });
}
FLEXMIG_NCCL_ALIAS(CommDeregister);

// Windows are for kernels that reach into other ranks' memory, which between leaves nothing can.
ncclResult_t ncclCommWindowRegister(ncclComm_t handle, void*, size_t, ncclWindow_t*, int) noexcept {
  return Border("ncclCommWindowRegister", [&]() -> Status {
    FLEXMIG_RETURN_IF_ERROR(FindComm(handle).status());
    return UnimplementedError(
        "Flex-MIG has no memory windows: ranks cannot reach into each "
        "other's device memory");
  });
}
FLEXMIG_NCCL_ALIAS(CommWindowRegister);

ncclResult_t ncclCommWindowDeregister(ncclComm_t handle, ncclWindow_t) noexcept {
  return Border("ncclCommWindowDeregister", [&]() -> Status {
    FLEXMIG_RETURN_IF_ERROR(FindComm(handle).status());
    return InvalidArgumentError("the window is none: Flex-MIG has no memory windows");
  });
}
FLEXMIG_NCCL_ALIAS(CommWindowDeregister);

}  // extern "C"
