// Devices and contexts.

#include <algorithm>
#include <climits>
#include <cstring>

#include "flexmig/base/strings.h"

#include "calls.h"

namespace flexmig::cuda_sim {

void CopyText(std::string_view text, char* out, int32_t length) {
  const size_t fits = std::min(text.size(), static_cast<size_t>(length) - 1);
  std::memcpy(out, text.data(), fits);
  out[fits] = '\0';
}

}  // namespace flexmig::cuda_sim

namespace flexmig::cuda_abi {

using cuda_sim::ContextStack;
using cuda_sim::CopyText;
using cuda_sim::DeviceInfo;
using cuda_sim::Process;
using cuda_sim::WithContext;
using cuda_sim::WithDevice;
using cuda_sim::WithDriver;
using SimContext = cuda_sim::Context;
using SimDevice = cuda_sim::Device;

namespace {

Context HandleOf(SimContext* context) { return reinterpret_cast<Context>(context); }

// "0000:07:00.0" in numbers.
struct BusAddress {
  int domain = 0;
  int bus = 0;
  int device = 0;
};
BusAddress ParseBusAddress(std::string_view text) {
  int parts[4] = {};
  size_t part = 0;
  for (const char c : text) {
    if (c == ':' || c == '.') {
      part = std::min<size_t>(part + 1, 3);
      continue;
    }
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    parts[part] = parts[part] * 16 + digit;
  }
  return {parts[0], parts[1], parts[2]};
}

// nullopt for an attribute that is not known.
std::optional<int32_t> AttributeOf(const DeviceInfo& info, DeviceAttribute attribute) {
  const BusAddress bus = ParseBusAddress(info.pci_bus_id);
  switch (attribute) {
    case DeviceAttribute::kMaxThreadsPerBlock:
    case DeviceAttribute::kMaxBlockDimX:
    case DeviceAttribute::kMaxBlockDimY: return 1024;
    case DeviceAttribute::kMaxBlockDimZ: return 64;
    case DeviceAttribute::kMaxGridDimX: return INT_MAX;
    case DeviceAttribute::kMaxGridDimY:
    case DeviceAttribute::kMaxGridDimZ: return 65535;
    case DeviceAttribute::kMaxSharedMemoryPerBlock: return 49152;
    case DeviceAttribute::kTotalConstantMemory: return 65536;
    case DeviceAttribute::kWarpSize: return 32;
    case DeviceAttribute::kMaxPitch: return INT_MAX;
    case DeviceAttribute::kMaxRegistersPerBlock: return 65536;
    case DeviceAttribute::kClockRate: return info.sm_khz;
    case DeviceAttribute::kMultiprocessorCount: return info.sms;
    case DeviceAttribute::kMemoryClockRate: return info.memory_khz;
    case DeviceAttribute::kGlobalMemoryBusWidth: return info.memory_bus_bits;
    case DeviceAttribute::kL2CacheSize: return 5 << 20;
    case DeviceAttribute::kMaxThreadsPerMultiprocessor: return 2048;
    case DeviceAttribute::kAsyncEngineCount: return info.copy_engines;
    case DeviceAttribute::kPciDomainId: return bus.domain;
    case DeviceAttribute::kPciBusId: return bus.bus;
    case DeviceAttribute::kPciDeviceId: return bus.device;
    case DeviceAttribute::kComputeCapabilityMajor: return info.compute_major;
    case DeviceAttribute::kComputeCapabilityMinor: return info.compute_minor;
    case DeviceAttribute::kHostNumaId: return info.numa_node;
    case DeviceAttribute::kNumaId: return -1;
    case DeviceAttribute::kGpuOverlap:
    case DeviceAttribute::kCanMapHostMemory:
    case DeviceAttribute::kConcurrentKernels:
    case DeviceAttribute::kEccEnabled:
    case DeviceAttribute::kUnifiedAddressing:
    case DeviceAttribute::kStreamPrioritiesSupported:
    case DeviceAttribute::kCanUseHostPointerForRegisteredMem:
    case DeviceAttribute::kHostRegisterSupported:
    case DeviceAttribute::kCanUse64BitStreamMemOps:
    case DeviceAttribute::kCanUse64BitStreamMemOpsV1:
    case DeviceAttribute::kCanUseStreamMemOpsV1:
    case DeviceAttribute::kCanUseStreamWaitValueNor:
    case DeviceAttribute::kCanUseStreamWaitValueNorV1: return 1;
    // What the simulation does not have.
    case DeviceAttribute::kIntegrated:
    case DeviceAttribute::kComputeMode:
    case DeviceAttribute::kManagedMemory:
    case DeviceAttribute::kMultiGpuBoard:
    case DeviceAttribute::kPageableMemoryAccess:
    case DeviceAttribute::kConcurrentManagedAccess:
    case DeviceAttribute::kCooperativeLaunch:
    case DeviceAttribute::kVirtualMemoryManagementSupported:
    case DeviceAttribute::kMemoryPoolsSupported:
    case DeviceAttribute::kGpuDirectRdmaSupported:
    case DeviceAttribute::kDmaBufSupported:
    case DeviceAttribute::kNumaConfig:
    case DeviceAttribute::kMulticastSupported: return 0;
  }
  // Others up to the last of CUDA 13.0: of features that are not there either.
  constexpr int32_t kLast = 146;
  const auto number = static_cast<int32_t>(attribute);
  return number >= 1 && number < kLast ? std::optional<int32_t>(0) : std::nullopt;
}

ResultCode CopyUuid(const std::array<uint8_t, 16>& bytes, Uuid* uuid) {
  std::memcpy(uuid->bytes, bytes.data(), bytes.size());
  return ResultCode::kSuccess;
}

}  // namespace

extern "C" {

ResultCode cuDeviceGet(Device* device, int32_t ordinal) noexcept {
  if (device == nullptr) return ResultCode::kInvalidValue;
  return WithDevice(ordinal, [&](const SimDevice& found) {
    *device = found.ordinal;
    return ResultCode::kSuccess;
  });
}

ResultCode cuDeviceGetCount(int32_t* count) noexcept {
  if (count == nullptr) return ResultCode::kInvalidValue;
  return WithDriver([&](Process& process) {
    *count = static_cast<int32_t>(process.devices().size());
    return ResultCode::kSuccess;
  });
}

ResultCode cuDeviceGetName(char* name, int32_t length, Device device) noexcept {
  if (name == nullptr || length <= 0) return ResultCode::kInvalidValue;
  return WithDevice(device, [&](const SimDevice& found) {
    CopyText(found.info.name, name, length);
    return ResultCode::kSuccess;
  });
}

ResultCode cuDeviceGetUuid(Uuid* uuid, Device device) noexcept {
  if (uuid == nullptr) return ResultCode::kInvalidValue;
  return WithDevice(
      device, [&](const SimDevice& found) { return CopyUuid(found.info.gpu_uuid_bytes, uuid); });
}

ResultCode cuDeviceGetUuid_v2(Uuid* uuid, Device device) noexcept {
  if (uuid == nullptr) return ResultCode::kInvalidValue;
  return WithDevice(device,
                    [&](const SimDevice& found) { return CopyUuid(found.info.uuid_bytes, uuid); });
}

ResultCode cuDeviceTotalMem_v2(size_t* bytes, Device device) noexcept {
  if (bytes == nullptr) return ResultCode::kInvalidValue;
  return WithDevice(device, [&](const SimDevice& found) {
    *bytes = found.memory->capacity();
    return ResultCode::kSuccess;
  });
}

ResultCode cuDeviceGetAttribute(int32_t* value, DeviceAttribute attribute, Device device) noexcept {
  if (value == nullptr) return ResultCode::kInvalidValue;
  return WithDevice(device, [&](const SimDevice& found) {
    const auto answer = AttributeOf(found.info, attribute);
    if (!answer) return ResultCode::kInvalidValue;
    *value = *answer;
    return ResultCode::kSuccess;
  });
}

ResultCode cuDeviceGetPCIBusId(char* bus_id, int32_t length, Device device) noexcept {
  if (bus_id == nullptr || length <= 0) return ResultCode::kInvalidValue;
  return WithDevice(device, [&](const SimDevice& found) {
    CopyText(found.info.pci_bus_id, bus_id, length);
    return ResultCode::kSuccess;
  });
}

ResultCode cuDeviceGetByPCIBusId(Device* device, const char* bus_id) noexcept {
  if (device == nullptr || bus_id == nullptr) return ResultCode::kInvalidValue;
  return WithDriver([&](Process& process) {
    for (const auto& candidate : process.devices()) {
      if (candidate->info.pci_bus_id != bus_id) continue;
      *device = candidate->ordinal;
      return ResultCode::kSuccess;
    }
    return ResultCode::kInvalidDevice;
  });
}

ResultCode cuDeviceCanAccessPeer(int32_t* can, Device device, Device peer) noexcept {
  if (can == nullptr) return ResultCode::kInvalidValue;
  return WithDevice(device, [&](const SimDevice&) {
    return WithDevice(peer, [&](const SimDevice&) {
      *can = 0;
      return ResultCode::kSuccess;
    });
  });
}

ResultCode cuDevicePrimaryCtxRetain(Context* context, Device device) noexcept {
  if (context == nullptr) return ResultCode::kInvalidValue;
  return WithDevice(device, [&](SimDevice& found) {
    SimContext* primary = nullptr;
    const ResultCode code = Process::Instance().RetainPrimary(found, &primary);
    if (code == ResultCode::kSuccess) *context = HandleOf(primary);
    return code;
  });
}

ResultCode cuDevicePrimaryCtxRelease_v2(Device device) noexcept {
  return WithDevice(
      device, [](SimDevice& found) { return Process::Instance().ReleasePrimary(found, false); });
}

ResultCode cuDevicePrimaryCtxReset_v2(Device device) noexcept {
  return WithDevice(
      device, [](SimDevice& found) { return Process::Instance().ReleasePrimary(found, true); });
}

ResultCode cuDevicePrimaryCtxGetState(Device device, uint32_t* flags, int32_t* active) noexcept {
  if (flags == nullptr || active == nullptr) return ResultCode::kInvalidValue;
  return WithDevice(device, [&](const SimDevice& found) {
    *active = Process::Instance().IsPrimaryActive(found, flags) ? 1 : 0;
    return ResultCode::kSuccess;
  });
}

ResultCode cuDevicePrimaryCtxSetFlags_v2(Device device, uint32_t flags) noexcept {
  return WithDevice(
      device, [&](SimDevice& found) { return Process::Instance().SetPrimaryFlags(found, flags); });
}

ResultCode cuCtxCreate_v2(Context* context, uint32_t flags, Device device) noexcept {
  if (context == nullptr) return ResultCode::kInvalidValue;
  return WithDevice(device, [&](SimDevice& found) {
    SimContext* created = nullptr;
    const ResultCode code = Process::Instance().CreateContext(found, flags, &created);
    if (code != ResultCode::kSuccess) return code;
    ContextStack().push_back(created);
    *context = HandleOf(created);
    return code;
  });
}

ResultCode cuCtxDestroy_v2(Context context) noexcept {
  return WithDriver([&](Process& process) {
    SimContext* const found = process.FindContext(context);
    if (found == nullptr) return ResultCode::kInvalidContext;
    const ResultCode code = process.DestroyContext(*found);
    if (code == ResultCode::kSuccess && !ContextStack().empty() && ContextStack().back() == found) {
      ContextStack().pop_back();
    }
    return code;
  });
}

ResultCode cuCtxSetCurrent(Context context) noexcept {
  return WithDriver([&](Process& process) {
    auto& stack = ContextStack();
    if (context == nullptr) {
      if (!stack.empty()) stack.pop_back();
      return ResultCode::kSuccess;
    }
    SimContext* const found = process.FindContext(context);
    if (found == nullptr) return ResultCode::kInvalidContext;
    if (stack.empty()) stack.push_back(nullptr);
    stack.back() = found;
    return ResultCode::kSuccess;
  });
}

ResultCode cuCtxGetCurrent(Context* context) noexcept {
  if (context == nullptr) return ResultCode::kInvalidValue;
  return WithDriver([&](Process&) {
    *context = ContextStack().empty() ? nullptr : HandleOf(ContextStack().back());
    return ResultCode::kSuccess;
  });
}

ResultCode cuCtxPushCurrent_v2(Context context) noexcept {
  return WithDriver([&](Process& process) {
    SimContext* const found = process.FindContext(context);
    if (found == nullptr) return ResultCode::kInvalidContext;
    ContextStack().push_back(found);
    return ResultCode::kSuccess;
  });
}

ResultCode cuCtxPopCurrent_v2(Context* context) noexcept {
  return WithDriver([&](Process&) {
    auto& stack = ContextStack();
    if (stack.empty()) return ResultCode::kInvalidContext;
    if (context != nullptr) *context = HandleOf(stack.back());
    stack.pop_back();
    return ResultCode::kSuccess;
  });
}

ResultCode cuCtxGetDevice(Device* device) noexcept {
  if (device == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process&, SimContext& context) {
    *device = context.device().ordinal;
    return ResultCode::kSuccess;
  });
}

ResultCode cuCtxGetFlags(uint32_t* flags) noexcept {
  if (flags == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process&, SimContext& context) {
    *flags = context.flags();
    return ResultCode::kSuccess;
  });
}

ResultCode cuCtxGetApiVersion(Context context, uint32_t* version) noexcept {
  if (version == nullptr) return ResultCode::kInvalidValue;
  return WithDriver([&](Process& process) {
    if (context != nullptr && process.FindContext(context) == nullptr) {
      return ResultCode::kInvalidContext;
    }
    *version = 3020;
    return ResultCode::kSuccess;
  });
}

ResultCode cuCtxSynchronize() noexcept {
  return WithContext([](Process&, SimContext& context) {
    if (const auto code = cuda_sim::CheckNotCaptured(); code != ResultCode::kSuccess) return code;
    context.Synchronize();
    return context.error();
  });
}

// As CUDA's on data-center boards.
ResultCode cuCtxGetStreamPriorityRange(int32_t* least, int32_t* greatest) noexcept {
  return WithContext([&](Process&, SimContext&) {
    if (least != nullptr) *least = 0;
    if (greatest != nullptr) *greatest = -5;
    return ResultCode::kSuccess;
  });
}

}  // extern "C"
}  // namespace flexmig::cuda_abi
