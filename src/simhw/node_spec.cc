#include "flexmig/simhw/node_spec.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::simhw {
namespace {

struct BoardPlace {
  std::string_view pci_bus_id;
  int numa_node;
};

// DGX A100, NUMA from a published topology matrix (NVIDIA/nccl issue 1505); bus ids as such
// machines have them.
constexpr std::array<BoardPlace, 8> kDgxA100 = {{{"0000:07:00.0", 3},
                                                 {"0000:0f:00.0", 3},
                                                 {"0000:47:00.0", 1},
                                                 {"0000:4e:00.0", 1},
                                                 {"0000:87:00.0", 7},
                                                 {"0000:90:00.0", 7},
                                                 {"0000:b7:00.0", 5},
                                                 {"0000:bd:00.0", 5}}};

// HGX H100, NUMA from HazyResearch/ThunderKittens issue 167, bus ids from a capture in
// NVIDIA/k8s-test-infra. An HGX H200 is the same baseboard with other GPUs.
constexpr std::array<BoardPlace, 8> kHgxHopper = {{{"0000:53:00.0", 0},
                                                   {"0000:64:00.0", 0},
                                                   {"0000:75:00.0", 0},
                                                   {"0000:86:00.0", 0},
                                                   {"0000:97:00.0", 1},
                                                   {"0000:a8:00.0", 1},
                                                   {"0000:b9:00.0", 1},
                                                   {"0000:ca:00.0", 1}}};

// HGX B200, bus ids from a capture in NVIDIA/k8s-test-infra. The NUMA nodes are a guess: four GPUs
// to each of two sockets.
constexpr std::array<BoardPlace, 8> kHgxB200 = {{{"0000:8f:00.0", 0},
                                                 {"0000:90:00.0", 0},
                                                 {"0000:96:00.0", 0},
                                                 {"0000:97:00.0", 0},
                                                 {"0000:c4:00.0", 1},
                                                 {"0000:c5:00.0", 1},
                                                 {"0000:cb:00.0", 1},
                                                 {"0000:cc:00.0", 1}}};

// From `nvidia-smi -q -x` captures in NVIDIA/k8s-test-infra for A100 40GB, H100 80GB and B200, else
// from device lists of the vendor.
struct PciIds {
  std::string_view model;
  uint32_t device;
  uint32_t subsystem;
};
constexpr PciIds kPciIds[] = {
    {"a30", 0x20B710DE, 0x153210DE},          {"a100-40", 0x20B010DE, 0x134F10DE},
    {"a100-80", 0x20B210DE, 0x147F10DE},      {"h100-80", 0x233010DE, 0x16C110DE},
    {"h100-94", 0x232110DE, 0x183910DE},      {"h100-96", 0x234210DE, 0x16EB10DE},
    {"h200-141", 0x233510DE, 0x18BE10DE},     {"b200", 0x290110DE, 0x199910DE},
    {"rtx-pro-6000", 0x2BB510DE, 0x204E10DE},
};

BoardSpec MakeBoard(const mig::GpuModel& model, std::string bus_id, int numa_node) {
  const auto* ids = std::ranges::find(kPciIds, model.key, &PciIds::model);
  FLEXMIG_CHECK(ids != std::end(kPciIds));
  return {&model, std::move(bus_id), ids->device, ids->subsystem, numa_node};
}

struct Machine {
  std::string_view name;
  std::string_view model;
  const std::array<BoardPlace, 8>& boards;
};

constexpr Machine kMachines[] = {
    {"dgx-a100-40", "a100-40", kDgxA100}, {"dgx-a100-80", "a100-80", kDgxA100},
    {"hgx-b200", "b200", kHgxB200},       {"hgx-h100-80", "h100-80", kHgxHopper},
    {"hgx-h200", "h200-141", kHgxHopper},
};

// Short forms of model keys: the most common board of each name.
struct ShortName {
  std::string_view name;
  std::string_view key;
};
constexpr ShortName kShortNames[] = {
    {"a100", "a100-40"}, {"h100", "h100-80"}, {"h200", "h200-141"}, {"gh200", "h100-96"}};

// Minor numbers of MIG devices are reserved for 32 GPUs in NVIDIA's kernel module.
constexpr size_t kMaxBoards = 32;

Status UnknownNode(std::string_view name) {
  std::vector<std::string> boards;
  for (const auto& model : mig::AllGpuModels()) boards.emplace_back(model.key);
  return NotFoundError(StrCat("no simulated node '", name, "'; there are ",
                              StrJoin(MachineNames(), ", "), ", and <board>x<count> with 1 to ",
                              kMaxBoards, " of ", StrJoin(boards, ", "),
                              ", e.g. h200x1, or several of these: a100x1+a30x2"));
}

// The 12 of "x12" at the end of `name`, or nothing.
std::optional<int> CountAtTheEnd(std::string_view digits) {
  const auto count = ParseInt(digits, 1, kMaxBoards);
  // "x01" would be a second name of one node.
  if (!count.ok() || digits.starts_with('0')) return std::nullopt;
  return static_cast<int>(*count);
}

struct Group {
  const mig::GpuModel* model = nullptr;
  int count = 0;
};

// "h200x1", or nothing.
std::optional<Group> FindGroup(std::string_view name) {
  const size_t x = name.rfind('x');
  if (x == std::string_view::npos) return std::nullopt;
  std::string_view key = name.substr(0, x);
  for (const ShortName& shorter : kShortNames) {
    if (shorter.name == key) key = shorter.key;
  }
  const auto model = mig::FindGpuModel(key);
  const auto count = CountAtTheEnd(name.substr(x + 1));
  if (!model.ok() || !count) return std::nullopt;
  return Group{*model, *count};
}

}  // namespace

std::vector<std::string> MachineNames() {
  std::vector<std::string> names;
  for (const Machine& machine : kMachines) names.emplace_back(machine.name);
  return names;
}

Result<NodeSpec> FindNodeSpec(std::string_view name) {
  NodeSpec spec;
  for (const Machine& machine : kMachines) {
    if (machine.name != name) continue;
    spec.name = name;
    FLEXMIG_ASSIGN_OR_RETURN(const auto* model, mig::FindGpuModel(machine.model));
    for (const BoardPlace& place : machine.boards) {
      spec.boards.push_back(MakeBoard(*model, std::string(place.pci_bus_id), place.numa_node));
    }
    return spec;
  }

  constexpr std::string_view kHex = "0123456789abcdef";
  for (const std::string_view group_name : StrSplit(name, '+')) {
    const auto group = FindGroup(group_name);
    if (!group || spec.boards.size() + static_cast<size_t>(group->count) > kMaxBoards) {
      return UnknownNode(name);
    }
    spec.name += StrCat(spec.name.empty() ? "" : "+", group->model->key, "x", group->count);
    for (int i = 0; i < group->count; ++i) {
      const size_t bus = spec.boards.size() + 1;  // bus 0 holds the host's own devices
      spec.boards.push_back(
          MakeBoard(*group->model, StrCat("0000:", kHex[bus / 16], kHex[bus % 16], ":00.0"), 0));
    }
  }
  return spec;
}

}  // namespace flexmig::simhw
