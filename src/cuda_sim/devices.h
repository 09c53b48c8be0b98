#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/base/units.h"
#include "flexmig/simhw/sim_machine.h"

namespace flexmig::cuda_sim {

// A device as CUDA shows it: a compute instance, or a whole GPU whose MIG mode is off.
struct DeviceInfo {
  int gpu = 0;       // index on the node
  std::string uuid;  // "MIG-..." or "GPU-...", by which the node knows it
  std::array<uint8_t, 16> uuid_bytes{};
  std::array<uint8_t, 16> gpu_uuid_bytes{};
  std::string name;  // "NVIDIA A100-SXM4-40GB MIG 1g.5gb"
  std::string pci_bus_id;
  int numa_node = -1;
  Bytes memory;
  int sms = 0;
  int copy_engines = 0;
  int compute_major = 0;
  int compute_minor = 0;
  int memory_bus_bits = 0;
  int sm_khz = 0;
  int memory_khz = 0;
};

// What a process sees of a node.
// `visible` is the value of CUDA_VISIBLE_DEVICES, nullopt if it is not set. Its entries are indices
// of GPUs, "GPU-<uuid>", "MIG-<uuid>" or beginnings of these that fit one device; what comes behind
// an entry that fits none is ignored, and an entry that comes twice makes all invalid. Compute
// instances and whole GPUs are not shown together: the former hide the latter. `all_leaves` is what
// drivers from R570 do, more than one compute instance, but one per GPU instance and 64 at most.
std::vector<DeviceInfo> VisibleDevices(const simhw::SimMachine& machine,
                                       const simhw::NodeState& state,
                                       std::optional<std::string_view> visible, bool all_leaves);

}  // namespace flexmig::cuda_sim
