// What concerns no communicator.

#include "api.h"
#include "border.h"
#include "debug_log.h"
#include "result.h"

using flexmig::InvalidArgumentError;
using flexmig::OkStatus;
using flexmig::Status;
using flexmig::nccl::Border;

extern "C" {

ncclResult_t ncclGetVersion(int* version) noexcept {
  return Border("ncclGetVersion", [version]() -> Status {
    if (version == nullptr) return InvalidArgumentError("the pointer to the version is null");
    *version = NCCL_VERSION_CODE;
    return OkStatus();
  });
}
FLEXMIG_NCCL_ALIAS(GetVersion);

const char* ncclGetErrorString(ncclResult_t result) noexcept {
  return flexmig::nccl::ResultText(result);
}
FLEXMIG_NCCL_ALIAS(GetErrorString);

// The name under which NCCL's own parts call the next one.
void ncclResetDebugInitInternal() noexcept {
  static_cast<void>(Border("ncclResetDebugInit", []() -> Status {
    flexmig::nccl::ReloadLog();
    return OkStatus();
  }));
}
void ncclResetDebugInit() noexcept { ncclResetDebugInitInternal(); }
FLEXMIG_NCCL_ALIAS(ResetDebugInit);

}  // extern "C"
