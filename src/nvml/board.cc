#include "board.h"

#include <bit>
#include <cctype>
#include <cstring>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "board_model.h"
#include "return_status.h"

namespace flexmig::nvml {
namespace {

using nvml_abi::Device;
using nvml_abi::Return;

std::string TextOf(const char* buffer, size_t size) { return {buffer, ::strnlen(buffer, size)}; }

Status ReadPci(const Library& library, Device device, Board& board) {
  const FunctionTable& f = library.functions();
  const auto keep = [&](const auto& info) {
    board.pci_bus_id = NormalBusId(TextOf(info.bus_id, sizeof info.bus_id));
    board.pci_device_id = info.pci_device_id;
    board.pci_subsystem_id = info.pci_subsystem_id;
    return OkStatus();
  };
  nvml_abi::PciInfo pci{};
  Return code = library.Call(f.pci_info, device, &pci);
  if (code == Return::kSuccess) return keep(pci);
  if (code == Return::kFunctionNotFound) {
    nvml_abi::PciInfoLegacy legacy{};
    code = library.Call(f.pci_info_legacy, device, &legacy);
    if (code == Return::kSuccess) return keep(legacy);
  }
  return ToStatus(code, "nvmlDeviceGetPciInfo");
}

// The driver's answer, else the kernel's, else -1. (nvmlDeviceGetNumaNodeId is about something
// else: boards whose own memory is a NUMA node.)
int NumaNode(const Library& library, Device device, const std::string& bus_id,
             const std::filesystem::path& sys) {
  unsigned long nodes[16]{};
  constexpr uint32_t kNodeScope = 0;  // NVML_AFFINITY_SCOPE_NODE
  const Return code = library.Call(library.functions().memory_affinity, device,
                                   uint32_t{std::size(nodes)}, &nodes[0], kNodeScope);
  if (code == Return::kSuccess) {
    for (size_t word = 0; word < std::size(nodes); ++word) {
      if (nodes[word] != 0) return static_cast<int>(word * 64) + std::countr_zero(nodes[word]);
    }
  }
  const auto text = ReadFile(sys / "bus/pci/devices" / bus_id / "numa_node");
  if (!text.ok()) return -1;
  const auto node = ParseInt(StripWhitespace(*text), -1, 4096);
  return node.ok() ? static_cast<int>(*node) : -1;
}

// The first compute capability of each generation that can do MIG.
mig::Architecture ArchitectureOf(int compute_major) {
  if (compute_major >= 10) return mig::Architecture::kBlackwell;
  return compute_major == 9 ? mig::Architecture::kHopper : mig::Architecture::kAmpere;
}

// Drivers that know the field are asked; before them only Ampere could do MIG.
bool NeedsReset(const Library& library, Device device, mig::Architecture architecture) {
  nvml_abi::FieldValue field{};
  field.field_id = nvml_abi::kFieldResetlessMig;
  const Return code = library.Call(library.functions().field_values, device, int32_t{1}, &field);
  if (code == Return::kSuccess && field.nvml_return == static_cast<int32_t>(Return::kSuccess)) {
    return field.uint_value == 0;
  }
  return architecture == mig::Architecture::kAmpere;
}

Result<const mig::GpuModel*> ReadModel(const Library& library, Device device, bool has_mig) {
  const FunctionTable& f = library.functions();
  BoardDescription board;
  board.has_mig = has_mig;
  char name[nvml_abi::kNameSize]{};
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(library.Call(f.name, device, &name[0], uint32_t{sizeof name}), "nvmlDeviceGetName"));
  board.product = TextOf(name, sizeof name);
  if (has_mig) {
    int32_t major = 8;
    int32_t minor = 0;
    // Without the function the driver is of the time when only Ampere could do MIG.
    const Return code = library.Call(f.compute_capability, device, &major, &minor);
    if (code != Return::kFunctionNotFound) {
      FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "nvmlDeviceGetCudaComputeCapability"));
    }
    board.architecture = ArchitectureOf(major);
    board.mode_change_needs_reset = NeedsReset(library, device, board.architecture);
    FLEXMIG_ASSIGN_OR_RETURN(board.profiles, ReadProfiles(library, device));
  }
  return ModelOf(board);
}

}  // namespace

std::string NormalBusId(std::string_view text) {
  std::string id;
  for (const char c : text) {
    id += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  const size_t colon = id.find(':');
  if (colon == 8 && id.starts_with("0000")) id.erase(0, 4);
  return id;
}

Result<MigMode> ReadMigMode(const Library& library, Device device) {
  uint32_t current = 0;
  uint32_t pending = 0;
  const Return code = library.Call(library.functions().mig_mode, device, &current, &pending);
  if (code == Return::kNotSupported || code == Return::kFunctionNotFound) return MigMode{};
  FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "nvmlDeviceGetMigMode"));
  return MigMode{true, current == nvml_abi::kMigEnabled, pending == nvml_abi::kMigEnabled};
}

Result<Board> ReadBoard(const Library& library, uint32_t index, const std::filesystem::path& sys) {
  const FunctionTable& f = library.functions();
  Board board;
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(library.Call(f.by_index, index, &board.device), "nvmlDeviceGetHandleByIndex"));
  char uuid[nvml_abi::kUuidSize]{};
  FLEXMIG_RETURN_IF_ERROR(ToStatus(
      library.Call(f.uuid, board.device, &uuid[0], uint32_t{sizeof uuid}), "nvmlDeviceGetUUID"));
  board.uuid = mig::GpuUuid(TextOf(uuid, sizeof uuid));
  FLEXMIG_RETURN_IF_ERROR(ReadPci(library, board.device, board));
  FLEXMIG_ASSIGN_OR_RETURN(const MigMode mode, ReadMigMode(library, board.device));
  board.has_mig = mode.has_mig;
  FLEXMIG_ASSIGN_OR_RETURN(board.model, ReadModel(library, board.device, mode.has_mig));
  board.numa_node = NumaNode(library, board.device, board.pci_bus_id, sys);
  return board;
}

}  // namespace flexmig::nvml
