#include "result_status.h"

#include "flexmig/base/strings.h"

namespace flexmig::cuda {

using cuda_abi::ResultCode;

StatusCode CodeOf(ResultCode code) {
  switch (code) {
    case ResultCode::kSuccess: return StatusCode::kOk;

    case ResultCode::kInvalidValue:
    case ResultCode::kInvalidDevice:
    case ResultCode::kInvalidImage:
    case ResultCode::kInvalidContext:
    case ResultCode::kInvalidSource:
    case ResultCode::kFileNotFound:
    case ResultCode::kInvalidHandle:
    case ResultCode::kInvalidClusterSize:
    case ResultCode::kInvalidResourceType:
    case ResultCode::kInvalidResourceConfiguration: return StatusCode::kInvalidArgument;

    case ResultCode::kSharedObjectSymbolNotFound:
    case ResultCode::kNotFound: return StatusCode::kNotFound;

    // Something has to be undone, or done, first.
    case ResultCode::kProfilerDisabled:
    case ResultCode::kProfilerNotInitialized:
    case ResultCode::kProfilerAlreadyStarted:
    case ResultCode::kProfilerAlreadyStopped:
    case ResultCode::kContextAlreadyCurrent:
    case ResultCode::kArrayIsMapped:
    case ResultCode::kAlreadyMapped:
    case ResultCode::kAlreadyAcquired:
    case ResultCode::kNotMapped:
    case ResultCode::kNotMappedAsArray:
    case ResultCode::kNotMappedAsPointer:
    case ResultCode::kContextAlreadyInUse:
    case ResultCode::kInvalidGraphicsContext:
    case ResultCode::kIllegalState:
    case ResultCode::kPeerAccessAlreadyEnabled:
    case ResultCode::kPeerAccessNotEnabled:
    case ResultCode::kPrimaryContextActive:
    case ResultCode::kHostMemoryAlreadyRegistered:
    case ResultCode::kHostMemoryNotRegistered:
    case ResultCode::kGraphExecUpdateFailure:
    case ResultCode::kFunctionNotLoaded: return StatusCode::kFailedPrecondition;

    case ResultCode::kOutOfMemory:
    case ResultCode::kLaunchOutOfResources:
    case ResultCode::kTooManyPeers:
    case ResultCode::kCooperativeLaunchTooLarge:
    case ResultCode::kMpsMaxClientsReached:
    case ResultCode::kMpsMaxConnectionsReached: return StatusCode::kResourceExhausted;

    // The device or the driver is gone, or not there yet; kNotReady is asked for by IsDone alone.
    case ResultCode::kNotInitialized:
    case ResultCode::kDeinitialized:
    case ResultCode::kStubLibrary:
    case ResultCode::kDeviceUnavailable:
    case ResultCode::kNoDevice:
    case ResultCode::kEccUncorrectable:
    case ResultCode::kNvlinkUncorrectable:
    case ResultCode::kNotReady:
    case ResultCode::kContextIsDestroyed:
    case ResultCode::kSystemNotReady:
    case ResultCode::kMpsConnectionFailed:
    case ResultCode::kMpsRpcFailure:
    case ResultCode::kMpsServerNotReady:
    case ResultCode::kMpsClientTerminated: return StatusCode::kUnavailable;

    // Not now or not by this caller, captures among them.
    case ResultCode::kDeviceNotLicensed:
    case ResultCode::kNotPermitted:
    case ResultCode::kStreamCaptureUnsupported:
    case ResultCode::kStreamCaptureInvalidated:
    case ResultCode::kStreamCaptureMerge:
    case ResultCode::kStreamCaptureUnmatched:
    case ResultCode::kStreamCaptureUnjoined:
    case ResultCode::kStreamCaptureIsolation:
    case ResultCode::kStreamCaptureImplicit:
    case ResultCode::kCapturedEvent:
    case ResultCode::kStreamCaptureWrongThread: return StatusCode::kPermissionDenied;

    // The driver or the device does not offer it.
    case ResultCode::kCallRequiresNewerDriver:
    case ResultCode::kNoBinaryForGpu:
    case ResultCode::kUnsupportedLimit:
    case ResultCode::kPeerAccessUnsupported:
    case ResultCode::kInvalidPtx:
    case ResultCode::kJitCompilerNotFound:
    case ResultCode::kUnsupportedPtxVersion:
    case ResultCode::kJitCompilationDisabled:
    case ResultCode::kUnsupportedExecAffinity:
    case ResultCode::kUnsupportedDevsideSync:
    case ResultCode::kNotSupported:
    case ResultCode::kSystemDriverMismatch:
    case ResultCode::kCompatNotSupportedOnDevice:
    case ResultCode::kCdpNotSupported:
    case ResultCode::kCdpVersionMismatch: return StatusCode::kUnimplemented;

    // Errors of earlier work on the GPU, after which the context is dead, and what no call here
    // should meet.
    case ResultCode::kMapFailed:
    case ResultCode::kUnmapFailed:
    case ResultCode::kContained:
    case ResultCode::kSharedObjectInitFailed:
    case ResultCode::kOperatingSystem:
    case ResultCode::kLossyQuery:
    case ResultCode::kIllegalAddress:
    case ResultCode::kLaunchTimeout:
    case ResultCode::kLaunchIncompatibleTexturing:
    case ResultCode::kAssert:
    case ResultCode::kHardwareStackError:
    case ResultCode::kIllegalInstruction:
    case ResultCode::kMisalignedAddress:
    case ResultCode::kInvalidAddressSpace:
    case ResultCode::kInvalidPc:
    case ResultCode::kLaunchFailed:
    case ResultCode::kTensorMemoryLeak:
    case ResultCode::kTimeout:
    case ResultCode::kExternalDevice:
    case ResultCode::kKeyRotation:
    case ResultCode::kUnknown: return StatusCode::kInternal;
  }
  return StatusCode::kInternal;
}

Status ToStatus(ResultCode code, std::string_view call) {
  if (code == ResultCode::kSuccess) return OkStatus();
  const std::string_view name = cuda_abi::ResultName(code);
  if (name.starts_with("CUDA_")) return {CodeOf(code), StrCat(call, ": ", name)};
  return {CodeOf(code), StrCat(call, ": ", name, " (", static_cast<int>(code), ")")};
}

}  // namespace flexmig::cuda
