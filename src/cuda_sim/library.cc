// Begin, errors, and functions by name.

#include <string>

#include <dlfcn.h>

#include "calls.h"

namespace flexmig::cuda_abi {

using cuda_sim::Process;
using cuda_sim::WithDriver;

namespace {

// Under which name a function is exported since which CUDA version, for names that have several,
// newest first. Those that are not listed have the name that clients ask for, since 2.0.
struct Versioned {
  const char* asked;
  const char* exported;
  int32_t since;
};
constexpr Versioned kVersioned[] = {
    {"cuGetProcAddress", "cuGetProcAddress_v2", 12000},
    {"cuGetProcAddress", "cuGetProcAddress", 11030},
    {"cuDeviceGetUuid", "cuDeviceGetUuid_v2", 11040},
    {"cuDeviceGetUuid", "cuDeviceGetUuid", 9020},
    {"cuDeviceTotalMem", "cuDeviceTotalMem_v2", 3020},
    {"cuDevicePrimaryCtxRelease", "cuDevicePrimaryCtxRelease_v2", 11000},
    {"cuDevicePrimaryCtxSetFlags", "cuDevicePrimaryCtxSetFlags_v2", 11000},
    {"cuDevicePrimaryCtxReset", "cuDevicePrimaryCtxReset_v2", 11000},
    {"cuCtxCreate", "cuCtxCreate_v2", 3020},
    {"cuCtxDestroy", "cuCtxDestroy_v2", 4000},
    {"cuCtxPushCurrent", "cuCtxPushCurrent_v2", 4000},
    {"cuCtxPopCurrent", "cuCtxPopCurrent_v2", 4000},
    {"cuMemAlloc", "cuMemAlloc_v2", 3020},
    {"cuMemFree", "cuMemFree_v2", 3020},
    {"cuMemGetInfo", "cuMemGetInfo_v2", 3020},
    {"cuMemGetAddressRange", "cuMemGetAddressRange_v2", 3020},
    {"cuMemAllocHost", "cuMemAllocHost_v2", 3020},
    {"cuMemHostRegister", "cuMemHostRegister_v2", 6050},
    {"cuMemHostGetDevicePointer", "cuMemHostGetDevicePointer_v2", 3020},
    {"cuMemcpyHtoD", "cuMemcpyHtoD_v2", 3020},
    {"cuMemcpyDtoH", "cuMemcpyDtoH_v2", 3020},
    {"cuMemcpyDtoD", "cuMemcpyDtoD_v2", 3020},
    {"cuMemcpyHtoDAsync", "cuMemcpyHtoDAsync_v2", 3020},
    {"cuMemcpyDtoHAsync", "cuMemcpyDtoHAsync_v2", 3020},
    {"cuMemcpyDtoDAsync", "cuMemcpyDtoDAsync_v2", 3020},
    {"cuMemcpy2D", "cuMemcpy2D_v2", 3020},
    {"cuMemcpy2DAsync", "cuMemcpy2DAsync_v2", 3020},
    {"cuMemsetD8", "cuMemsetD8_v2", 3020},
    {"cuMemsetD32", "cuMemsetD32_v2", 3020},
    {"cuStreamDestroy", "cuStreamDestroy_v2", 4000},
    {"cuStreamWriteValue32", "cuStreamWriteValue32_v2", 11070},
    {"cuStreamWriteValue64", "cuStreamWriteValue64_v2", 11070},
    {"cuStreamWriteValue64", "cuStreamWriteValue64", 9000},
    {"cuStreamWaitValue32", "cuStreamWaitValue32_v2", 11070},
    {"cuStreamWaitValue64", "cuStreamWaitValue64_v2", 11070},
    {"cuStreamWaitValue64", "cuStreamWaitValue64", 9000},
    {"cuEventDestroy", "cuEventDestroy_v2", 4000},
    {"cuEventElapsedTime", "cuEventElapsedTime_v2", 12080},
    {"cuEventElapsedTime", "cuEventElapsedTime", 2000},
    {"cuStreamBeginCapture", "cuStreamBeginCapture_v2", 10010},
    {"cuStreamGetCaptureInfo", "cuStreamGetCaptureInfo_v3", 12030},
    {"cuStreamGetCaptureInfo", "cuStreamGetCaptureInfo_v2", 11030},
    {"cuStreamGetCaptureInfo", "cuStreamGetCaptureInfo", 10010},
    {"cuGraphInstantiate", "cuGraphInstantiateWithFlags", 12000},
    {"cuGraphInstantiate", "cuGraphInstantiate_v2", 11000},
};

// The library's own symbol, and no other library's.
void* OwnSymbol(const char* name) {
  static void* const self = [] {
    Dl_info info{};
    ::dladdr(reinterpret_cast<void*>(&cuInit), &info);
    return ::dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  }();
  return self == nullptr ? nullptr : ::dlsym(self, name);
}

ProcAddressResult Find(std::string_view name, int32_t version, void** function) {
  bool is_known = false;
  for (const Versioned& entry : kVersioned) {
    if (name != entry.asked) continue;
    is_known = true;
    if (version < entry.since) continue;
    *function = OwnSymbol(entry.exported);
    return ProcAddressResult::kSuccess;
  }
  if (is_known) return ProcAddressResult::kVersionNotSufficient;
  if (name.starts_with("cu")) *function = OwnSymbol(std::string(name).c_str());
  return *function != nullptr ? ProcAddressResult::kSuccess : ProcAddressResult::kNotFound;
}

}  // namespace

extern "C" {

ResultCode cuInit(uint32_t flags) noexcept {
  if (flags != 0) return ResultCode::kInvalidValue;
  return cuda_sim::Guarded([] { return Process::Instance().Init(); });
}

// Before cuInit as well, as CUDA's.
ResultCode cuDriverGetVersion(int32_t* version) noexcept {
  if (version == nullptr) return ResultCode::kInvalidValue;
  return cuda_sim::Guarded([&] {
    const auto known = Process::DriverVersion();
    if (!known) return ResultCode::kUnknown;
    *version = *known;
    return ResultCode::kSuccess;
  });
}

ResultCode cuGetErrorName(ResultCode error, const char** text) noexcept {
  if (text == nullptr) return ResultCode::kInvalidValue;
  const std::string_view name = ResultName(error);
  *text = name.starts_with("CUDA_") ? name.data() : nullptr;
  return *text == nullptr ? ResultCode::kInvalidValue : ResultCode::kSuccess;
}

// The name again; for a device that could not be found, the reason.
ResultCode cuGetErrorString(ResultCode error, const char** text) noexcept {
  const ResultCode code = cuGetErrorName(error, text);
  if (code != ResultCode::kSuccess) return code;
  return cuda_sim::Guarded([&] {
    if (error != ResultCode::kNoDevice && error != ResultCode::kDeviceUnavailable) {
      return ResultCode::kSuccess;
    }
    thread_local std::string reason;
    reason = Process::Instance().problem();
    if (!reason.empty()) *text = reason.c_str();
    return ResultCode::kSuccess;
  });
}

ResultCode cuGetProcAddress_v2(const char* symbol, void** function, int32_t cuda_version,
                               uint64_t flags, ProcAddressResult* result) noexcept {
  constexpr uint64_t kAll = kProcAddressLegacyStream | kProcAddressPerThreadStream;
  if (symbol == nullptr || function == nullptr || (flags & ~kAll) != 0) {
    return ResultCode::kInvalidValue;
  }
  return cuda_sim::Guarded([&] {
    *function = nullptr;
    const ProcAddressResult found = Find(symbol, cuda_version, function);
    if (result != nullptr) *result = found;
    // With somewhere to tell the reason, a symbol that is not there is no error.
    return found == ProcAddressResult::kSuccess || result != nullptr ? ResultCode::kSuccess
                                                                     : ResultCode::kNotFound;
  });
}

ResultCode cuGetProcAddress(const char* symbol, void** function, int32_t cuda_version,
                            uint64_t flags) noexcept {
  return cuGetProcAddress_v2(symbol, function, cuda_version, flags, nullptr);
}

// For tests: bytes that have crossed the link of GPU `gpu` of the node, from it and to it.
ResultCode flexmigSimLinkBytes(uint32_t gpu, uint64_t* up, uint64_t* down) noexcept {
  if (up == nullptr || down == nullptr || gpu >= 32) return ResultCode::kInvalidValue;
  return cuda_sim::Guarded([&] {
    const cuda_sim::Links* links = Process::Instance().links();
    if (links == nullptr) return ResultCode::kNotInitialized;
    *up = links->Count(static_cast<int>(gpu), cuda_sim::Links::Direction::kUp);
    *down = links->Count(static_cast<int>(gpu), cuda_sim::Links::Direction::kDown);
    return ResultCode::kSuccess;
  });
}

// Sets all of them to zero, for all processes.
ResultCode flexmigSimResetLinks() noexcept {
  return cuda_sim::Guarded([] {
    cuda_sim::Links* links = Process::Instance().links();
    if (links == nullptr) return ResultCode::kNotInitialized;
    links->Reset();
    return ResultCode::kSuccess;
  });
}

}  // extern "C"
}  // namespace flexmig::cuda_abi
