#include "result_status.h"

#include <map>

#include <gtest/gtest.h>

namespace flexmig::cuda {
namespace {

using cuda_abi::ResultCode;

TEST(ResultStatusTest, EveryCodeIsMapped) {
  const std::map<ResultCode, StatusCode> expected = {
      {ResultCode::kSuccess, StatusCode::kOk},
      {ResultCode::kInvalidValue, StatusCode::kInvalidArgument},
      {ResultCode::kOutOfMemory, StatusCode::kResourceExhausted},
      {ResultCode::kNotInitialized, StatusCode::kUnavailable},
      {ResultCode::kDeinitialized, StatusCode::kUnavailable},
      {ResultCode::kProfilerDisabled, StatusCode::kFailedPrecondition},
      {ResultCode::kProfilerNotInitialized, StatusCode::kFailedPrecondition},
      {ResultCode::kProfilerAlreadyStarted, StatusCode::kFailedPrecondition},
      {ResultCode::kProfilerAlreadyStopped, StatusCode::kFailedPrecondition},
      {ResultCode::kStubLibrary, StatusCode::kUnavailable},
      {ResultCode::kCallRequiresNewerDriver, StatusCode::kUnimplemented},
      {ResultCode::kDeviceUnavailable, StatusCode::kUnavailable},
      {ResultCode::kNoDevice, StatusCode::kUnavailable},
      {ResultCode::kInvalidDevice, StatusCode::kInvalidArgument},
      {ResultCode::kDeviceNotLicensed, StatusCode::kPermissionDenied},
      {ResultCode::kInvalidImage, StatusCode::kInvalidArgument},
      {ResultCode::kInvalidContext, StatusCode::kInvalidArgument},
      {ResultCode::kContextAlreadyCurrent, StatusCode::kFailedPrecondition},
      {ResultCode::kMapFailed, StatusCode::kInternal},
      {ResultCode::kUnmapFailed, StatusCode::kInternal},
      {ResultCode::kArrayIsMapped, StatusCode::kFailedPrecondition},
      {ResultCode::kAlreadyMapped, StatusCode::kFailedPrecondition},
      {ResultCode::kNoBinaryForGpu, StatusCode::kUnimplemented},
      {ResultCode::kAlreadyAcquired, StatusCode::kFailedPrecondition},
      {ResultCode::kNotMapped, StatusCode::kFailedPrecondition},
      {ResultCode::kNotMappedAsArray, StatusCode::kFailedPrecondition},
      {ResultCode::kNotMappedAsPointer, StatusCode::kFailedPrecondition},
      {ResultCode::kEccUncorrectable, StatusCode::kUnavailable},
      {ResultCode::kUnsupportedLimit, StatusCode::kUnimplemented},
      {ResultCode::kContextAlreadyInUse, StatusCode::kFailedPrecondition},
      {ResultCode::kPeerAccessUnsupported, StatusCode::kUnimplemented},
      {ResultCode::kInvalidPtx, StatusCode::kUnimplemented},
      {ResultCode::kInvalidGraphicsContext, StatusCode::kFailedPrecondition},
      {ResultCode::kNvlinkUncorrectable, StatusCode::kUnavailable},
      {ResultCode::kJitCompilerNotFound, StatusCode::kUnimplemented},
      {ResultCode::kUnsupportedPtxVersion, StatusCode::kUnimplemented},
      {ResultCode::kJitCompilationDisabled, StatusCode::kUnimplemented},
      {ResultCode::kUnsupportedExecAffinity, StatusCode::kUnimplemented},
      {ResultCode::kUnsupportedDevsideSync, StatusCode::kUnimplemented},
      {ResultCode::kContained, StatusCode::kInternal},
      {ResultCode::kInvalidSource, StatusCode::kInvalidArgument},
      {ResultCode::kFileNotFound, StatusCode::kInvalidArgument},
      {ResultCode::kSharedObjectSymbolNotFound, StatusCode::kNotFound},
      {ResultCode::kSharedObjectInitFailed, StatusCode::kInternal},
      {ResultCode::kOperatingSystem, StatusCode::kInternal},
      {ResultCode::kInvalidHandle, StatusCode::kInvalidArgument},
      {ResultCode::kIllegalState, StatusCode::kFailedPrecondition},
      {ResultCode::kLossyQuery, StatusCode::kInternal},
      {ResultCode::kNotFound, StatusCode::kNotFound},
      {ResultCode::kNotReady, StatusCode::kUnavailable},
      {ResultCode::kIllegalAddress, StatusCode::kInternal},
      {ResultCode::kLaunchOutOfResources, StatusCode::kResourceExhausted},
      {ResultCode::kLaunchTimeout, StatusCode::kInternal},
      {ResultCode::kLaunchIncompatibleTexturing, StatusCode::kInternal},
      {ResultCode::kPeerAccessAlreadyEnabled, StatusCode::kFailedPrecondition},
      {ResultCode::kPeerAccessNotEnabled, StatusCode::kFailedPrecondition},
      {ResultCode::kPrimaryContextActive, StatusCode::kFailedPrecondition},
      {ResultCode::kContextIsDestroyed, StatusCode::kUnavailable},
      {ResultCode::kAssert, StatusCode::kInternal},
      {ResultCode::kTooManyPeers, StatusCode::kResourceExhausted},
      {ResultCode::kHostMemoryAlreadyRegistered, StatusCode::kFailedPrecondition},
      {ResultCode::kHostMemoryNotRegistered, StatusCode::kFailedPrecondition},
      {ResultCode::kHardwareStackError, StatusCode::kInternal},
      {ResultCode::kIllegalInstruction, StatusCode::kInternal},
      {ResultCode::kMisalignedAddress, StatusCode::kInternal},
      {ResultCode::kInvalidAddressSpace, StatusCode::kInternal},
      {ResultCode::kInvalidPc, StatusCode::kInternal},
      {ResultCode::kLaunchFailed, StatusCode::kInternal},
      {ResultCode::kCooperativeLaunchTooLarge, StatusCode::kResourceExhausted},
      {ResultCode::kTensorMemoryLeak, StatusCode::kInternal},
      {ResultCode::kNotPermitted, StatusCode::kPermissionDenied},
      {ResultCode::kNotSupported, StatusCode::kUnimplemented},
      {ResultCode::kSystemNotReady, StatusCode::kUnavailable},
      {ResultCode::kSystemDriverMismatch, StatusCode::kUnimplemented},
      {ResultCode::kCompatNotSupportedOnDevice, StatusCode::kUnimplemented},
      {ResultCode::kMpsConnectionFailed, StatusCode::kUnavailable},
      {ResultCode::kMpsRpcFailure, StatusCode::kUnavailable},
      {ResultCode::kMpsServerNotReady, StatusCode::kUnavailable},
      {ResultCode::kMpsMaxClientsReached, StatusCode::kResourceExhausted},
      {ResultCode::kMpsMaxConnectionsReached, StatusCode::kResourceExhausted},
      {ResultCode::kMpsClientTerminated, StatusCode::kUnavailable},
      {ResultCode::kCdpNotSupported, StatusCode::kUnimplemented},
      {ResultCode::kCdpVersionMismatch, StatusCode::kUnimplemented},
      {ResultCode::kStreamCaptureUnsupported, StatusCode::kPermissionDenied},
      {ResultCode::kStreamCaptureInvalidated, StatusCode::kPermissionDenied},
      {ResultCode::kStreamCaptureMerge, StatusCode::kPermissionDenied},
      {ResultCode::kStreamCaptureUnmatched, StatusCode::kPermissionDenied},
      {ResultCode::kStreamCaptureUnjoined, StatusCode::kPermissionDenied},
      {ResultCode::kStreamCaptureIsolation, StatusCode::kPermissionDenied},
      {ResultCode::kStreamCaptureImplicit, StatusCode::kPermissionDenied},
      {ResultCode::kCapturedEvent, StatusCode::kPermissionDenied},
      {ResultCode::kStreamCaptureWrongThread, StatusCode::kPermissionDenied},
      {ResultCode::kTimeout, StatusCode::kInternal},
      {ResultCode::kGraphExecUpdateFailure, StatusCode::kFailedPrecondition},
      {ResultCode::kExternalDevice, StatusCode::kInternal},
      {ResultCode::kInvalidClusterSize, StatusCode::kInvalidArgument},
      {ResultCode::kFunctionNotLoaded, StatusCode::kFailedPrecondition},
      {ResultCode::kInvalidResourceType, StatusCode::kInvalidArgument},
      {ResultCode::kInvalidResourceConfiguration, StatusCode::kInvalidArgument},
      {ResultCode::kKeyRotation, StatusCode::kInternal},
      {ResultCode::kUnknown, StatusCode::kInternal},
  };
  for (const ResultCode code : cuda_abi::kAllResultCodes) {
    ASSERT_TRUE(expected.contains(code)) << cuda_abi::ResultName(code);
    EXPECT_EQ(CodeOf(code), expected.at(code)) << cuda_abi::ResultName(code);
    EXPECT_EQ(ToStatus(code, "x").ok(), code == ResultCode::kSuccess);
  }
  EXPECT_EQ(expected.size(), std::size(cuda_abi::kAllResultCodes));
}

TEST(ResultStatusTest, StickyErrorsAreInternal) {
  for (const ResultCode code : cuda_abi::kAllResultCodes) {
    if (cuda_abi::IsSticky(code)) {
      EXPECT_EQ(CodeOf(code), StatusCode::kInternal) << cuda_abi::ResultName(code);
    }
  }
}

TEST(ResultStatusTest, MessagesNameTheCallAndTheCode) {
  EXPECT_EQ(ToStatus(ResultCode::kInvalidValue, "cuMemcpyAsync").message(),
            "cuMemcpyAsync: CUDA_ERROR_INVALID_VALUE");
  EXPECT_EQ(ToStatus(static_cast<ResultCode>(998), "cuInit").ToString(),
            "kInternal: cuInit: a CUDA result code that is not known (998)");
}

}  // namespace
}  // namespace flexmig::cuda
