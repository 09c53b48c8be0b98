#pragma once

#include <cstdint>
#include <string_view>

namespace flexmig::nvml_abi {

// What every NVML function returns, a C enum: 4 bytes. Values that are not listed can arrive from
// newer drivers.
// Source of names and values: nvml.h of CUDA 13.3, nvmlReturn_t, as vendored by
// https://github.com/NVIDIA/go-nvml (gen/nvml/nvml.h).
enum class Return : int32_t {
  kSuccess = 0,
  kUninitialized = 1,
  kInvalidArgument = 2,
  kNotSupported = 3,
  kNoPermission = 4,
  kAlreadyInitialized = 5,
  kNotFound = 6,
  kInsufficientSize = 7,
  kInsufficientPower = 8,
  kDriverNotLoaded = 9,
  kTimeout = 10,
  kIrqIssue = 11,
  kLibraryNotFound = 12,
  kFunctionNotFound = 13,
  kCorruptedInforom = 14,
  kGpuIsLost = 15,
  kResetRequired = 16,
  kOperatingSystem = 17,
  kLibRmVersionMismatch = 18,
  kInUse = 19,
  kMemory = 20,
  kNoData = 21,
  kVgpuEccNotSupported = 22,
  kInsufficientResources = 23,
  kFreqNotSupported = 24,
  kArgumentVersionMismatch = 25,
  kDeprecated = 26,
  kNotReady = 27,
  kGpuNotFound = 28,
  kInvalidState = 29,
  kResetTypeNotSupported = 30,
  kUnknown = 999,
};

// Every enumerator, for tests that must cover them all.
inline constexpr Return kAllReturns[] = {
    Return::kSuccess,
    Return::kUninitialized,
    Return::kInvalidArgument,
    Return::kNotSupported,
    Return::kNoPermission,
    Return::kAlreadyInitialized,
    Return::kNotFound,
    Return::kInsufficientSize,
    Return::kInsufficientPower,
    Return::kDriverNotLoaded,
    Return::kTimeout,
    Return::kIrqIssue,
    Return::kLibraryNotFound,
    Return::kFunctionNotFound,
    Return::kCorruptedInforom,
    Return::kGpuIsLost,
    Return::kResetRequired,
    Return::kOperatingSystem,
    Return::kLibRmVersionMismatch,
    Return::kInUse,
    Return::kMemory,
    Return::kNoData,
    Return::kVgpuEccNotSupported,
    Return::kInsufficientResources,
    Return::kFreqNotSupported,
    Return::kArgumentVersionMismatch,
    Return::kDeprecated,
    Return::kNotReady,
    Return::kGpuNotFound,
    Return::kInvalidState,
    Return::kResetTypeNotSupported,
    Return::kUnknown,
};

// "NVML_ERROR_IN_USE", and "an NVML return code that is not known" for values outside the list.
// Static storage, null-terminated.
std::string_view ReturnName(Return code);

}  // namespace flexmig::nvml_abi
