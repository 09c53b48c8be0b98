#pragma once

#include <cstdint>
#include <string_view>

#include "flexmig/mig/gpu_model.h"

namespace flexmig::simhw {

// What a driver says about a board beside MIG. Rows marked `captured` were printed by
// `nvidia-smi -q -x` on such machines (NVIDIA/k8s-test-infra); in the others the numbers are from
// data sheets and sibling boards.
struct BoardFacts {
  std::string_view key;   // of mig::GpuModel
  std::string_view name;  // as nvmlDeviceGetName
  uint32_t memory_mib;    // with the reserved part
  uint32_t reserved_mib;
  uint32_t bar1_mib;
  uint32_t pcie_generation;
  uint32_t power_limit_w;
  uint32_t max_sm_mhz;
  uint32_t max_memory_mhz;
  uint32_t memory_bus_bits;
  uint32_t compute_major;
  uint32_t compute_minor;
  bool captured;
};

// REQUIRES: the model is one of mig::AllGpuModels().
const BoardFacts& FactsOf(const mig::GpuModel& model);

// Media engines of a profile, as driver listings print them.
struct Engines {
  uint32_t decoders = 0;
  uint32_t encoders = 0;
  uint32_t jpeg = 0;
  uint32_t ofa = 0;
};
Engines EnginesOf(const mig::GpuModel& model, const mig::Profile& profile);

// What a driver would print; for the rows of a table that no capture shows, multiples of the
// smallest profile.
uint32_t SmsOf(const mig::GpuModel& model, const mig::Profile& profile);
uint64_t MemoryMibOf(const mig::GpuModel& model, const mig::Profile& profile);

}  // namespace flexmig::simhw
