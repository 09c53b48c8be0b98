#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/types.h"

#include "library.h"

namespace flexmig::nvml {

// What does not change about a GPU while the driver is loaded, except that a switch of MIG mode may
// bring it back under another handle.
struct Board {
  nvml_abi::Device device;
  mig::GpuUuid uuid;
  const mig::GpuModel* model = nullptr;
  std::string pci_bus_id;
  uint32_t pci_device_id = 0;
  uint32_t pci_subsystem_id = 0;
  int numa_node = -1;
  bool has_mig = false;
};

struct MigMode {
  bool has_mig = false;
  bool enabled = false;
  bool pending = false;
};

Result<MigMode> ReadMigMode(const Library& library, nvml_abi::Device device);

// The GPU with this index. `sys` is /sys.
Result<Board> ReadBoard(const Library& library, uint32_t index, const std::filesystem::path& sys);

// "0000:07:00.0" for the driver's "00000000:07:00.0": lower case, and the domain in four digits if
// it fits in them, as the kernel writes it.
std::string NormalBusId(std::string_view text);

}  // namespace flexmig::nvml
