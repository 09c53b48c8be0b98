#include "return_status.h"

#include <map>

#include <gtest/gtest.h>

namespace flexmig::nvml {
namespace {

using nvml_abi::Return;

TEST(ReturnStatusTest, EveryCodeIsMapped) {
  const std::map<Return, StatusCode> expected = {
      {Return::kSuccess, StatusCode::kOk},
      {Return::kUninitialized, StatusCode::kInternal},
      {Return::kInvalidArgument, StatusCode::kInvalidArgument},
      {Return::kNotSupported, StatusCode::kUnimplemented},
      {Return::kNoPermission, StatusCode::kPermissionDenied},
      {Return::kAlreadyInitialized, StatusCode::kAlreadyExists},
      {Return::kNotFound, StatusCode::kNotFound},
      {Return::kInsufficientSize, StatusCode::kInternal},
      {Return::kInsufficientPower, StatusCode::kFailedPrecondition},
      {Return::kDriverNotLoaded, StatusCode::kUnavailable},
      {Return::kTimeout, StatusCode::kDeadlineExceeded},
      {Return::kIrqIssue, StatusCode::kUnavailable},
      {Return::kLibraryNotFound, StatusCode::kUnavailable},
      {Return::kFunctionNotFound, StatusCode::kUnimplemented},
      {Return::kCorruptedInforom, StatusCode::kDataLoss},
      {Return::kGpuIsLost, StatusCode::kUnavailable},
      {Return::kResetRequired, StatusCode::kFailedPrecondition},
      {Return::kOperatingSystem, StatusCode::kPermissionDenied},
      {Return::kLibRmVersionMismatch, StatusCode::kFailedPrecondition},
      {Return::kInUse, StatusCode::kFailedPrecondition},
      {Return::kMemory, StatusCode::kResourceExhausted},
      {Return::kNoData, StatusCode::kUnavailable},
      {Return::kVgpuEccNotSupported, StatusCode::kFailedPrecondition},
      {Return::kInsufficientResources, StatusCode::kResourceExhausted},
      {Return::kFreqNotSupported, StatusCode::kInvalidArgument},
      {Return::kArgumentVersionMismatch, StatusCode::kUnimplemented},
      {Return::kDeprecated, StatusCode::kUnimplemented},
      {Return::kNotReady, StatusCode::kUnavailable},
      {Return::kGpuNotFound, StatusCode::kNotFound},
      {Return::kInvalidState, StatusCode::kFailedPrecondition},
      {Return::kResetTypeNotSupported, StatusCode::kUnimplemented},
      {Return::kUnknown, StatusCode::kInternal},
  };
  for (const Return code : nvml_abi::kAllReturns) {
    ASSERT_TRUE(expected.contains(code)) << nvml_abi::ReturnName(code);
    EXPECT_EQ(CodeOf(code), expected.at(code)) << nvml_abi::ReturnName(code);
    EXPECT_EQ(ToStatus(code, "x").ok(), code == Return::kSuccess);
  }
  EXPECT_EQ(expected.size(), std::size(nvml_abi::kAllReturns));
}

TEST(ReturnStatusTest, MessagesNameTheCallAndTheCode) {
  EXPECT_EQ(ToStatus(Return::kInUse, "GPU instance 7").message(),
            "GPU instance 7: NVML_ERROR_IN_USE");
  EXPECT_EQ(ToStatus(static_cast<Return>(77), "x").ToString(),
            "kInternal: x: an NVML return code that is not known (77)");
}

}  // namespace
}  // namespace flexmig::nvml
