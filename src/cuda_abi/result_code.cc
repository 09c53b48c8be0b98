#include "flexmig/cuda_abi/result_code.h"

namespace flexmig::cuda_abi {

std::string_view ResultName(ResultCode code) {
  switch (code) {
    case ResultCode::kSuccess: return "CUDA_SUCCESS";
    case ResultCode::kInvalidValue: return "CUDA_ERROR_INVALID_VALUE";
    case ResultCode::kOutOfMemory: return "CUDA_ERROR_OUT_OF_MEMORY";
    case ResultCode::kNotInitialized: return "CUDA_ERROR_NOT_INITIALIZED";
    case ResultCode::kDeinitialized: return "CUDA_ERROR_DEINITIALIZED";
    case ResultCode::kProfilerDisabled: return "CUDA_ERROR_PROFILER_DISABLED";
    case ResultCode::kProfilerNotInitialized: return "CUDA_ERROR_PROFILER_NOT_INITIALIZED";
    case ResultCode::kProfilerAlreadyStarted: return "CUDA_ERROR_PROFILER_ALREADY_STARTED";
    case ResultCode::kProfilerAlreadyStopped: return "CUDA_ERROR_PROFILER_ALREADY_STOPPED";
    case ResultCode::kStubLibrary: return "CUDA_ERROR_STUB_LIBRARY";
    case ResultCode::kCallRequiresNewerDriver: return "CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER";
    case ResultCode::kDeviceUnavailable: return "CUDA_ERROR_DEVICE_UNAVAILABLE";
    case ResultCode::kNoDevice: return "CUDA_ERROR_NO_DEVICE";
    case ResultCode::kInvalidDevice: return "CUDA_ERROR_INVALID_DEVICE";
    case ResultCode::kDeviceNotLicensed: return "CUDA_ERROR_DEVICE_NOT_LICENSED";
    case ResultCode::kInvalidImage: return "CUDA_ERROR_INVALID_IMAGE";
    case ResultCode::kInvalidContext: return "CUDA_ERROR_INVALID_CONTEXT";
    case ResultCode::kContextAlreadyCurrent: return "CUDA_ERROR_CONTEXT_ALREADY_CURRENT";
    case ResultCode::kMapFailed: return "CUDA_ERROR_MAP_FAILED";
    case ResultCode::kUnmapFailed: return "CUDA_ERROR_UNMAP_FAILED";
    case ResultCode::kArrayIsMapped: return "CUDA_ERROR_ARRAY_IS_MAPPED";
    case ResultCode::kAlreadyMapped: return "CUDA_ERROR_ALREADY_MAPPED";
    case ResultCode::kNoBinaryForGpu: return "CUDA_ERROR_NO_BINARY_FOR_GPU";
    case ResultCode::kAlreadyAcquired: return "CUDA_ERROR_ALREADY_ACQUIRED";
    case ResultCode::kNotMapped: return "CUDA_ERROR_NOT_MAPPED";
    case ResultCode::kNotMappedAsArray: return "CUDA_ERROR_NOT_MAPPED_AS_ARRAY";
    case ResultCode::kNotMappedAsPointer: return "CUDA_ERROR_NOT_MAPPED_AS_POINTER";
    case ResultCode::kEccUncorrectable: return "CUDA_ERROR_ECC_UNCORRECTABLE";
    case ResultCode::kUnsupportedLimit: return "CUDA_ERROR_UNSUPPORTED_LIMIT";
    case ResultCode::kContextAlreadyInUse: return "CUDA_ERROR_CONTEXT_ALREADY_IN_USE";
    case ResultCode::kPeerAccessUnsupported: return "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED";
    case ResultCode::kInvalidPtx: return "CUDA_ERROR_INVALID_PTX";
    case ResultCode::kInvalidGraphicsContext: return "CUDA_ERROR_INVALID_GRAPHICS_CONTEXT";
    case ResultCode::kNvlinkUncorrectable: return "CUDA_ERROR_NVLINK_UNCORRECTABLE";
    case ResultCode::kJitCompilerNotFound: return "CUDA_ERROR_JIT_COMPILER_NOT_FOUND";
    case ResultCode::kUnsupportedPtxVersion: return "CUDA_ERROR_UNSUPPORTED_PTX_VERSION";
    case ResultCode::kJitCompilationDisabled: return "CUDA_ERROR_JIT_COMPILATION_DISABLED";
    case ResultCode::kUnsupportedExecAffinity: return "CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY";
    case ResultCode::kUnsupportedDevsideSync: return "CUDA_ERROR_UNSUPPORTED_DEVSIDE_SYNC";
    case ResultCode::kContained: return "CUDA_ERROR_CONTAINED";
    case ResultCode::kInvalidSource: return "CUDA_ERROR_INVALID_SOURCE";
    case ResultCode::kFileNotFound: return "CUDA_ERROR_FILE_NOT_FOUND";
    case ResultCode::kSharedObjectSymbolNotFound:
      return "CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND";
    case ResultCode::kSharedObjectInitFailed: return "CUDA_ERROR_SHARED_OBJECT_INIT_FAILED";
    case ResultCode::kOperatingSystem: return "CUDA_ERROR_OPERATING_SYSTEM";
    case ResultCode::kInvalidHandle: return "CUDA_ERROR_INVALID_HANDLE";
    case ResultCode::kIllegalState: return "CUDA_ERROR_ILLEGAL_STATE";
    case ResultCode::kLossyQuery: return "CUDA_ERROR_LOSSY_QUERY";
    case ResultCode::kNotFound: return "CUDA_ERROR_NOT_FOUND";
    case ResultCode::kNotReady: return "CUDA_ERROR_NOT_READY";
    case ResultCode::kIllegalAddress: return "CUDA_ERROR_ILLEGAL_ADDRESS";
    case ResultCode::kLaunchOutOfResources: return "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES";
    case ResultCode::kLaunchTimeout: return "CUDA_ERROR_LAUNCH_TIMEOUT";
    case ResultCode::kLaunchIncompatibleTexturing:
      return "CUDA_ERROR_LAUNCH_INCOMPATIBLE_TEXTURING";
    case ResultCode::kPeerAccessAlreadyEnabled: return "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED";
    case ResultCode::kPeerAccessNotEnabled: return "CUDA_ERROR_PEER_ACCESS_NOT_ENABLED";
    case ResultCode::kPrimaryContextActive: return "CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE";
    case ResultCode::kContextIsDestroyed: return "CUDA_ERROR_CONTEXT_IS_DESTROYED";
    case ResultCode::kAssert: return "CUDA_ERROR_ASSERT";
    case ResultCode::kTooManyPeers: return "CUDA_ERROR_TOO_MANY_PEERS";
    case ResultCode::kHostMemoryAlreadyRegistered:
      return "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED";
    case ResultCode::kHostMemoryNotRegistered: return "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED";
    case ResultCode::kHardwareStackError: return "CUDA_ERROR_HARDWARE_STACK_ERROR";
    case ResultCode::kIllegalInstruction: return "CUDA_ERROR_ILLEGAL_INSTRUCTION";
    case ResultCode::kMisalignedAddress: return "CUDA_ERROR_MISALIGNED_ADDRESS";
    case ResultCode::kInvalidAddressSpace: return "CUDA_ERROR_INVALID_ADDRESS_SPACE";
    case ResultCode::kInvalidPc: return "CUDA_ERROR_INVALID_PC";
    case ResultCode::kLaunchFailed: return "CUDA_ERROR_LAUNCH_FAILED";
    case ResultCode::kCooperativeLaunchTooLarge: return "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE";
    case ResultCode::kTensorMemoryLeak: return "CUDA_ERROR_TENSOR_MEMORY_LEAK";
    case ResultCode::kNotPermitted: return "CUDA_ERROR_NOT_PERMITTED";
    case ResultCode::kNotSupported: return "CUDA_ERROR_NOT_SUPPORTED";
    case ResultCode::kSystemNotReady: return "CUDA_ERROR_SYSTEM_NOT_READY";
    case ResultCode::kSystemDriverMismatch: return "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH";
    case ResultCode::kCompatNotSupportedOnDevice:
      return "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE";
    case ResultCode::kMpsConnectionFailed: return "CUDA_ERROR_MPS_CONNECTION_FAILED";
    case ResultCode::kMpsRpcFailure: return "CUDA_ERROR_MPS_RPC_FAILURE";
    case ResultCode::kMpsServerNotReady: return "CUDA_ERROR_MPS_SERVER_NOT_READY";
    case ResultCode::kMpsMaxClientsReached: return "CUDA_ERROR_MPS_MAX_CLIENTS_REACHED";
    case ResultCode::kMpsMaxConnectionsReached: return "CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED";
    case ResultCode::kMpsClientTerminated: return "CUDA_ERROR_MPS_CLIENT_TERMINATED";
    case ResultCode::kCdpNotSupported: return "CUDA_ERROR_CDP_NOT_SUPPORTED";
    case ResultCode::kCdpVersionMismatch: return "CUDA_ERROR_CDP_VERSION_MISMATCH";
    case ResultCode::kStreamCaptureUnsupported: return "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED";
    case ResultCode::kStreamCaptureInvalidated: return "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED";
    case ResultCode::kStreamCaptureMerge: return "CUDA_ERROR_STREAM_CAPTURE_MERGE";
    case ResultCode::kStreamCaptureUnmatched: return "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED";
    case ResultCode::kStreamCaptureUnjoined: return "CUDA_ERROR_STREAM_CAPTURE_UNJOINED";
    case ResultCode::kStreamCaptureIsolation: return "CUDA_ERROR_STREAM_CAPTURE_ISOLATION";
    case ResultCode::kStreamCaptureImplicit: return "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT";
    case ResultCode::kCapturedEvent: return "CUDA_ERROR_CAPTURED_EVENT";
    case ResultCode::kStreamCaptureWrongThread: return "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD";
    case ResultCode::kTimeout: return "CUDA_ERROR_TIMEOUT";
    case ResultCode::kGraphExecUpdateFailure: return "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE";
    case ResultCode::kExternalDevice: return "CUDA_ERROR_EXTERNAL_DEVICE";
    case ResultCode::kInvalidClusterSize: return "CUDA_ERROR_INVALID_CLUSTER_SIZE";
    case ResultCode::kFunctionNotLoaded: return "CUDA_ERROR_FUNCTION_NOT_LOADED";
    case ResultCode::kInvalidResourceType: return "CUDA_ERROR_INVALID_RESOURCE_TYPE";
    case ResultCode::kInvalidResourceConfiguration:
      return "CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION";
    case ResultCode::kKeyRotation: return "CUDA_ERROR_KEY_ROTATION";
    case ResultCode::kUnknown: return "CUDA_ERROR_UNKNOWN";
  }
  return "a CUDA result code that is not known";
}

// Source: "This leaves the process in an inconsistent state and any further CUDA work will return
// the same error", which the driver API's documentation says of exactly these.
bool IsSticky(ResultCode code) {
  switch (code) {
    case ResultCode::kContained:
    case ResultCode::kIllegalAddress:
    case ResultCode::kLaunchTimeout:
    case ResultCode::kHardwareStackError:
    case ResultCode::kIllegalInstruction:
    case ResultCode::kMisalignedAddress:
    case ResultCode::kInvalidAddressSpace:
    case ResultCode::kInvalidPc:
    case ResultCode::kLaunchFailed:
    case ResultCode::kExternalDevice: return true;
    default: return false;
  }
}

}  // namespace flexmig::cuda_abi
