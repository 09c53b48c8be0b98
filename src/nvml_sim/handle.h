#pragma once

#include <cstdint>
#include <optional>

#include "flexmig/mig/types.h"

namespace flexmig::nvml_sim {

// What a handle of the library stands for.
enum class HandleKind : uint8_t {
  kGpu = 1,
  kGpuInstance = 2,
  kComputeInstance = 3,
  kMigDevice = 4,
  kEventSet = 5,
  kGpmSample = 6,
};

// Handles are numbers that hold the place they name, in the pointer that the ABI has for them.
// Nothing is ever dereferenced, so a client's wild pointer is an invalid argument and not a crash;
// and the handle of an instance that is gone names nothing, until the same place is used again.
struct Handle {
  HandleKind kind = HandleKind::kGpu;
  uint8_t gpu = 0;  // for event sets and samples: their number
  uint8_t gpu_instance = 0;
  uint8_t compute_instance = 0;

  [[nodiscard]] mig::GpuIndex gpu_index() const { return mig::GpuIndex(gpu); }
  [[nodiscard]] mig::GpuInstanceId gpu_instance_id() const {
    return mig::GpuInstanceId(gpu_instance);
  }
  [[nodiscard]] mig::ComputeInstanceId compute_instance_id() const {
    return mig::ComputeInstanceId(compute_instance);
  }
  friend bool operator==(const Handle&, const Handle&) = default;
};

// "FMIG" in the upper half.
inline constexpr uint64_t kHandleMark = 0x464D'4947'0000'0000;

inline void* Encode(const Handle& handle) {
  const uint64_t value = kHandleMark | static_cast<uint64_t>(handle.kind) << 24 |
                         static_cast<uint64_t>(handle.gpu) << 16 |
                         static_cast<uint64_t>(handle.gpu_instance) << 8 | handle.compute_instance;
  return reinterpret_cast<void*>(value);
}

// nullopt for what Encode did not make.
inline std::optional<Handle> Decode(const void* pointer) {
  const auto value = reinterpret_cast<uint64_t>(pointer);
  if ((value & 0xFFFF'FFFF'0000'0000) != kHandleMark) return std::nullopt;
  const auto kind = static_cast<uint8_t>(value >> 24);
  if (kind < static_cast<uint8_t>(HandleKind::kGpu) ||
      kind > static_cast<uint8_t>(HandleKind::kGpmSample)) {
    return std::nullopt;
  }
  return Handle{static_cast<HandleKind>(kind), static_cast<uint8_t>(value >> 16),
                static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
}

}  // namespace flexmig::nvml_sim
