#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/mig/gpu_model.h"

namespace flexmig::simhw {

// What never changes about one board of a simulated node.
struct BoardSpec {
  const mig::GpuModel* model = nullptr;  // static storage
  std::string pci_bus_id;                // "0000:07:00.0"
  uint32_t pci_device_id = 0;            // 0x20B010DE: device, then vendor
  uint32_t pci_subsystem_id = 0;
  int numa_node = -1;  // -1: unknown
};

struct NodeSpec {
  std::string name;  // canonical: names its state folder, and its UUIDs derive from it
  std::vector<BoardSpec> boards;
};

// A machine by name ("dgx-a100-40"), or `<board>x<count>` with a key of mig::AllGpuModels() or a
// short form of one ("h200x1" is "h200-141x1"), or several of these ("a100x1+a30x2"), 1 to 32
// boards, all on NUMA node 0.
// Errors: kNotFound, listing the machines and boards.
Result<NodeSpec> FindNodeSpec(std::string_view name);

// Machines, without the `<board>x<count>` forms, sorted.
std::vector<std::string> MachineNames();

}  // namespace flexmig::simhw
