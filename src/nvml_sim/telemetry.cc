// How a device is: links, clocks, power, memory, load. Boards are idle and cool; what MIG takes
// away (utilisation) is not supported, as on hardware.

#include <algorithm>

#include "flexmig/simhw/board_facts.h"
#include "flexmig/simhw/identity.h"

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::Accept;
using nvml_sim::CopyList;
using nvml_sim::Handle;
using nvml_sim::HandleKind;
using nvml_sim::NotOffered;
using nvml_sim::QueryGpu;
using nvml_sim::Session;
using nvml_sim::WithBoard;
using simhw::BoardSpec;
using simhw::FactsOf;
using simhw::SimBoard;
using simhw::SimOperation;

namespace {

constexpr uint32_t kPcieLanes = 16;
constexpr uint32_t kCelsius = 34;
constexpr uint32_t kIdleShareOfPower = 10;  // a tenth of the limit, as idle boards in captures
constexpr uint32_t kIdleSmMhz = 345;
constexpr uint64_t kMiB = 1 << 20;

enum ClockType : uint32_t { kGraphicsClock, kSmClock, kMemoryClock, kVideoClock, kClockTypes };

Return QueryClock(Device device, uint32_t clock, uint32_t* mhz, bool now) {
  if (clock >= kClockTypes) return Return::kInvalidArgument;
  return QueryGpu(device, mhz, [&](const BoardSpec& spec, const SimBoard&) {
    const auto& facts = FactsOf(*spec.model);
    if (clock == kMemoryClock) return facts.max_memory_mhz;
    return now ? kIdleSmMhz : facts.max_sm_mhz;
  });
}

uint64_t Use(const SimBoard& board, const Handle& handle) {
  uint64_t used = 0;
  for (const simhw::SimProcess& process : board.state().processes) {
    const bool counts =
        handle.kind == HandleKind::kGpu || process.gpu_instance == handle.gpu_instance_id();
    if (counts) used += static_cast<uint64_t>(process.memory.count());
  }
  return used;
}

// Memory of a GPU, or of the GPU instance that a MIG device shares with its sisters.
MemoryV2 MemoryOf(const SimBoard& board, const Handle& handle) {
  MemoryV2 memory{};
  if (handle.kind == HandleKind::kGpu) {
    memory.total = FactsOf(board.model()).memory_mib * kMiB;
    memory.reserved = FactsOf(board.model()).reserved_mib * kMiB;
  } else {
    const simhw::SimInstance& instance = **board.FindInstance(handle.gpu_instance_id());
    const mig::Profile& profile = *board.model().FindProfile(instance.placed.profile);
    memory.total = simhw::MemoryMibOf(board.model(), profile) * kMiB;
  }
  memory.used = std::min(Use(board, handle), memory.total - memory.reserved);
  memory.free = memory.total - memory.reserved - memory.used;
  return memory;
}

// NOT_SUPPORTED on a MIG device and on a GPU in MIG mode; else as idle.
template <typename T>
Return QueryLoad(Device device, T* out, const T& idle) {
  if (out == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session&, const Handle&, const SimBoard& board) {
                     if (board.state().mig_enabled) return Return::kNotSupported;
                     *out = idle;
                     return Return::kSuccess;
                   });
}

}  // namespace

extern "C" {

Return nvmlDeviceGetMaxPcieLinkGeneration(Device device, uint32_t* generation) noexcept {
  return QueryGpu(device, generation, [](const BoardSpec& spec, const SimBoard&) {
    return FactsOf(*spec.model).pcie_generation;
  });
}
Return nvmlDeviceGetCurrPcieLinkGeneration(Device device, uint32_t* generation) noexcept {
  return nvmlDeviceGetMaxPcieLinkGeneration(device, generation);
}
Return nvmlDeviceGetMaxPcieLinkWidth(Device device, uint32_t* width) noexcept {
  return QueryGpu(device, width, [](const BoardSpec&, const SimBoard&) { return kPcieLanes; });
}
Return nvmlDeviceGetCurrPcieLinkWidth(Device device, uint32_t* width) noexcept {
  return nvmlDeviceGetMaxPcieLinkWidth(device, width);
}
Return nvmlDeviceGetPcieThroughput(Device device, uint32_t counter, uint32_t* kib_per_s) noexcept {
  constexpr uint32_t kCounters = 2;  // sent, received
  if (counter >= kCounters) return Return::kInvalidArgument;
  return QueryLoad(device, kib_per_s, uint32_t{0});
}

Return nvmlDeviceGetClockInfo(Device device, uint32_t clock, uint32_t* mhz) noexcept {
  return QueryClock(device, clock, mhz, true);
}
Return nvmlDeviceGetMaxClockInfo(Device device, uint32_t clock, uint32_t* mhz) noexcept {
  return QueryClock(device, clock, mhz, false);
}
Return nvmlDeviceGetApplicationsClock(Device device, uint32_t clock, uint32_t* mhz) noexcept {
  return QueryClock(device, clock, mhz, false);
}
Return nvmlDeviceSetApplicationsClocks(Device device, uint32_t, uint32_t) noexcept {
  return NotOffered(device, device.handle);
}
Return nvmlDeviceResetApplicationsClocks(Device device) noexcept {
  return NotOffered(device, device.handle);
}
Return nvmlDeviceGetSupportedMemoryClocks(Device device, uint32_t* count, uint32_t* mhz) noexcept {
  return WithBoard(device, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session&, const Handle&, const SimBoard& board) {
                     return CopyList(1, mhz, count, false, [&](uint32_t) {
                       return FactsOf(board.model()).max_memory_mhz;
                     });
                   });
}
Return nvmlDeviceGetSupportedGraphicsClocks(Device device, uint32_t memory_mhz, uint32_t* count,
                                            uint32_t* mhz) noexcept {
  return WithBoard(device, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session&, const Handle&, const SimBoard& board) {
                     const auto& facts = FactsOf(board.model());
                     if (memory_mhz != facts.max_memory_mhz) return Return::kNotFound;
                     const uint32_t clocks[] = {facts.max_sm_mhz, kIdleSmMhz};
                     return CopyList(2, mhz, count, false, [&](uint32_t i) { return clocks[i]; });
                   });
}

// Boards of this kind have no fan.
Return nvmlDeviceGetFanSpeed(Device device, uint32_t* percent) noexcept {
  return NotOffered(device, percent);
}
Return nvmlDeviceGetTemperature(Device device, uint32_t sensor, uint32_t* celsius) noexcept {
  if (sensor != 0) return Return::kInvalidArgument;  // NVML_TEMPERATURE_GPU
  return QueryGpu(device, celsius, [](const BoardSpec&, const SimBoard&) { return kCelsius; });
}
Return nvmlDeviceGetTemperatureThreshold(Device device, uint32_t threshold,
                                         uint32_t* celsius) noexcept {
  constexpr uint32_t kCelsiusByThreshold[] = {92, 89, 95, 85};  // shutdown, slowdown, memory, GPU
  if (threshold >= std::size(kCelsiusByThreshold)) return Return::kInvalidArgument;
  return QueryGpu(device, celsius, [&](const BoardSpec&, const SimBoard&) {
    return kCelsiusByThreshold[threshold];
  });
}
Return nvmlDeviceGetPerformanceState(Device device, uint32_t* state) noexcept {
  return QueryGpu(device, state, [](const BoardSpec&, const SimBoard&) { return uint32_t{0}; });
}
Return nvmlDeviceGetPowerManagementLimit(Device device, uint32_t* milliwatts) noexcept {
  return QueryGpu(device, milliwatts, [](const BoardSpec& spec, const SimBoard&) {
    return 1000 * FactsOf(*spec.model).power_limit_w;
  });
}
Return nvmlDeviceGetEnforcedPowerLimit(Device device, uint32_t* milliwatts) noexcept {
  return nvmlDeviceGetPowerManagementLimit(device, milliwatts);
}
Return nvmlDeviceGetPowerUsage(Device device, uint32_t* milliwatts) noexcept {
  return QueryGpu(device, milliwatts, [](const BoardSpec& spec, const SimBoard&) {
    return 1000 * FactsOf(*spec.model).power_limit_w / kIdleShareOfPower;
  });
}
Return nvmlDeviceGetPersistenceMode(Device device, uint32_t* mode) noexcept {
  return QueryGpu(device, mode, [](const BoardSpec&, const SimBoard&) { return uint32_t{1}; });
}
Return nvmlDeviceGetComputeMode(Device device, uint32_t* mode) noexcept {
  return QueryGpu(device, mode, [](const BoardSpec&, const SimBoard&) { return uint32_t{0}; });
}
Return nvmlDeviceGetEccMode(Device device, uint32_t* current, uint32_t* pending) noexcept {
  if (pending == nullptr) return Return::kInvalidArgument;
  return QueryGpu(device, current, [&](const BoardSpec&, const SimBoard&) {
    *pending = 1;
    return uint32_t{1};
  });
}

// The first struct has no place for the reserved part, so that `used` holds it there.
Return nvmlDeviceGetMemoryInfo(Device device, Memory* memory) noexcept {
  if (memory == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpuOrMigDevice, SimOperation::kQueryGpu,
                   [&](Session&, const Handle& handle, const SimBoard& board) {
                     const MemoryV2 now = MemoryOf(board, handle);
                     *memory = {now.total, now.free, now.used + now.reserved};
                     return Return::kSuccess;
                   });
}
Return nvmlDeviceGetMemoryInfo_v2(Device device, MemoryV2* memory) noexcept {
  if (memory == nullptr) return Return::kInvalidArgument;
  if (memory->version != kMemoryV2) return Return::kArgumentVersionMismatch;
  return WithBoard(device, Accept::kGpuOrMigDevice, SimOperation::kQueryGpu,
                   [&](Session&, const Handle& handle, const SimBoard& board) {
                     *memory = MemoryOf(board, handle);
                     memory->version = kMemoryV2;
                     return Return::kSuccess;
                   });
}
Return nvmlDeviceGetBAR1MemoryInfo(Device device, Bar1Memory* memory) noexcept {
  return QueryGpu(device, memory, [](const BoardSpec& spec, const SimBoard&) {
    const uint64_t total = FactsOf(*spec.model).bar1_mib * kMiB;
    return Bar1Memory{total, total - kMiB, kMiB};
  });
}

Return nvmlDeviceGetUtilizationRates(Device device, Utilization* utilization) noexcept {
  return QueryLoad(device, utilization, Utilization{0, 0});
}
Return nvmlDeviceGetEncoderUtilization(Device device, uint32_t* percent,
                                       uint32_t* period_us) noexcept {
  if (period_us == nullptr) return Return::kInvalidArgument;
  const Return code = QueryLoad(device, percent, uint32_t{0});
  if (code == Return::kSuccess) *period_us = 167'000;  // as drivers sample
  return code;
}
Return nvmlDeviceGetDecoderUtilization(Device device, uint32_t* percent,
                                       uint32_t* period_us) noexcept {
  return nvmlDeviceGetEncoderUtilization(device, percent, period_us);
}

}  // extern "C"
}  // namespace flexmig::nvml_abi
