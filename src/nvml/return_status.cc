#include "return_status.h"

#include "flexmig/base/strings.h"

namespace flexmig::nvml {

using nvml_abi::Return;

namespace {

// NVIDIA's MIG user guide, device nodes and capabilities.
constexpr std::string_view kPrivileges =
    "while MIG is on the driver lists and changes instances for root only, and for users who may "
    "read /dev/nvidia-caps/nvidia-cap1 (mig/config): run as root, or `chgrp GROUP` and `chmod 440` "
    "it";

}  // namespace

StatusCode CodeOf(Return code) {
  switch (code) {
    case Return::kSuccess: return StatusCode::kOk;

    case Return::kInvalidArgument:
    case Return::kFreqNotSupported: return StatusCode::kInvalidArgument;

    case Return::kNotFound:
    case Return::kGpuNotFound: return StatusCode::kNotFound;

    case Return::kAlreadyInitialized: return StatusCode::kAlreadyExists;

    // The function, its version or the feature is not there; another one may be.
    case Return::kNotSupported:
    case Return::kFunctionNotFound:
    case Return::kArgumentVersionMismatch:
    case Return::kDeprecated:
    case Return::kResetTypeNotSupported: return StatusCode::kUnimplemented;

    // "Operating system" is access blocked by device cgroups.
    case Return::kNoPermission:
    case Return::kOperatingSystem: return StatusCode::kPermissionDenied;

    // Somebody has to act first.
    case Return::kInUse:
    case Return::kInsufficientPower:
    case Return::kResetRequired:
    case Return::kLibRmVersionMismatch:
    case Return::kVgpuEccNotSupported:
    case Return::kInvalidState: return StatusCode::kFailedPrecondition;

    case Return::kMemory:
    case Return::kInsufficientResources: return StatusCode::kResourceExhausted;

    case Return::kDriverNotLoaded:
    case Return::kLibraryNotFound:
    case Return::kIrqIssue:
    case Return::kGpuIsLost:
    case Return::kNoData:
    case Return::kNotReady: return StatusCode::kUnavailable;

    case Return::kTimeout: return StatusCode::kDeadlineExceeded;

    case Return::kCorruptedInforom: return StatusCode::kDataLoss;

    // Ours: the backend initialises, and sizes its buffers.
    case Return::kUninitialized:
    case Return::kInsufficientSize:
    case Return::kUnknown: return StatusCode::kInternal;
  }
  return StatusCode::kInternal;
}

Status ToStatus(Return code, std::string_view what) {
  if (code == Return::kSuccess) return OkStatus();
  const std::string_view name = nvml_abi::ReturnName(code);
  if (code == Return::kNoPermission) {
    return {CodeOf(code), StrCat(what, ": ", name, "; ", kPrivileges)};
  }
  if (name.starts_with("NVML_")) return {CodeOf(code), StrCat(what, ": ", name)};
  return {CodeOf(code), StrCat(what, ": ", name, " (", static_cast<int>(code), ")")};
}

bool LeavesOutcomeOpen(Return code) {
  return code == Return::kTimeout || code == Return::kUnknown || code == Return::kNotReady ||
         code == Return::kIrqIssue;
}

}  // namespace flexmig::nvml
