#include "devices.h"

#include <algorithm>
#include <set>

#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"
#include "flexmig/simhw/board_facts.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::cuda_sim {
namespace {

constexpr size_t kMostLeaves = 64;

// The digits of "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77".
std::array<uint8_t, 16> UuidBytes(std::string_view text) {
  std::array<uint8_t, 16> bytes{};
  size_t digit = 0;
  for (const char c : text.substr(std::min<size_t>(text.size(), 4))) {
    const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (value < 0 || digit == 32) continue;
    bytes[digit / 2] = static_cast<uint8_t>(bytes[digit / 2] << 4 | value);
    ++digit;
  }
  return bytes;
}

DeviceInfo WholeGpu(const simhw::SimMachine& machine, size_t gpu) {
  const simhw::BoardSpec& spec = machine.spec().boards[gpu];
  const simhw::BoardFacts& facts = simhw::FactsOf(*spec.model);
  DeviceInfo info;
  info.gpu = static_cast<int>(gpu);
  info.uuid = machine.gpu_uuid(mig::GpuIndex(info.gpu)).value();
  info.uuid_bytes = UuidBytes(info.uuid);
  info.gpu_uuid_bytes = info.uuid_bytes;
  info.name = facts.name;
  info.pci_bus_id = spec.pci_bus_id;
  info.numa_node = spec.numa_node;
  info.memory = Bytes::MiB(int64_t{facts.memory_mib} - facts.reserved_mib);
  info.sms = spec.model->total_sms;
  info.copy_engines = spec.model->WholeGpuProfile().copy_engines;
  info.compute_major = static_cast<int>(facts.compute_major);
  info.compute_minor = static_cast<int>(facts.compute_minor);
  info.memory_bus_bits = static_cast<int>(facts.memory_bus_bits);
  info.sm_khz = static_cast<int>(facts.max_sm_mhz) * 1000;
  info.memory_khz = static_cast<int>(facts.max_memory_mhz) * 1000;
  return info;
}

DeviceInfo MigDevice(const simhw::SimMachine& machine, size_t gpu,
                     const simhw::SimInstance& instance, const simhw::SimComputeInstance& part) {
  const mig::GpuModel& model = *machine.spec().boards[gpu].model;
  const mig::Profile& profile = *model.FindProfile(instance.placed.profile);
  DeviceInfo info = WholeGpu(machine, gpu);
  info.uuid = simhw::MakeMigUuid(machine.gpu_uuid(mig::GpuIndex(info.gpu)),
                                 instance.placed.placement, part.id)
                  .value();
  info.uuid_bytes = UuidBytes(info.uuid);
  const bool whole = part.slices == profile.compute_slices;
  info.name = StrCat(info.name, " MIG ", whole ? "" : StrCat(part.slices, "c."), profile.name);
  info.memory = Bytes::MiB(static_cast<int64_t>(simhw::MemoryMibOf(model, profile)));
  info.sms =
      whole ? static_cast<int>(simhw::SmsOf(model, profile))
            : part.slices * static_cast<int>(simhw::SmsOf(model, mig::DefaultLeafProfile(model)));
  info.copy_engines = std::max(profile.copy_engines, 1);
  return info;
}

struct Choice {
  std::vector<DeviceInfo> gpus;        // MIG off, in the node's order
  std::vector<DeviceInfo> leaves;      // in the order of MIG device indices
  std::vector<size_t> leaf_instances;  // parallel: number of the GPU instance on the node
};

Choice Everything(const simhw::SimMachine& machine, const simhw::NodeState& state) {
  Choice choice;
  size_t instances = 0;
  for (size_t gpu = 0; gpu < state.size(); ++gpu) {
    const simhw::SimBoard& board = state[gpu];
    if (!board.state().mig_enabled) {
      choice.gpus.push_back(WholeGpu(machine, gpu));
      continue;
    }
    std::vector<const simhw::SimInstance*> sorted;
    for (const auto& instance : board.state().instances) sorted.push_back(&instance);
    std::ranges::sort(sorted, {}, [&](const simhw::SimInstance* instance) {
      return simhw::MakeGpuInstanceId(board.model(), instance->placed.placement).value();
    });
    for (const auto* instance : sorted) {
      for (const auto& part : instance->compute_instances) {
        choice.leaves.push_back(MigDevice(machine, gpu, *instance, part));
        choice.leaf_instances.push_back(instances);
      }
      ++instances;
    }
  }
  return choice;
}

// The device that an entry of CUDA_VISIBLE_DEVICES means, or nullptr.
const DeviceInfo* Find(const Choice& choice, std::string_view entry) {
  if (const auto index = ParseInt(entry, 0, 1023); index.ok()) {
    // A GPU with MIG on stands for the first compute instance on it.
    for (const auto* list : {&choice.gpus, &choice.leaves}) {
      const auto found = std::ranges::find(*list, static_cast<int>(*index), &DeviceInfo::gpu);
      if (found != list->end()) return &*found;
    }
    return nullptr;
  }
  if (!entry.starts_with("GPU-") && !entry.starts_with("MIG-")) return nullptr;
  const DeviceInfo* match = nullptr;
  for (const auto* list : {&choice.gpus, &choice.leaves}) {
    for (const DeviceInfo& device : *list) {
      if (!std::string_view(device.uuid).starts_with(entry)) continue;
      if (match != nullptr) return nullptr;
      match = &device;
    }
  }
  return match;
}

}  // namespace

std::vector<DeviceInfo> VisibleDevices(const simhw::SimMachine& machine,
                                       const simhw::NodeState& state,
                                       std::optional<std::string_view> visible, bool all_leaves) {
  const Choice choice = Everything(machine, state);
  std::vector<DeviceInfo> devices;
  std::set<size_t> instances;
  const auto add_leaf = [&](const DeviceInfo& leaf) {
    const size_t index = static_cast<size_t>(&leaf - choice.leaves.data());
    if (devices.size() >= (all_leaves ? kMostLeaves : 1)) return;
    if (instances.insert(choice.leaf_instances[index]).second) devices.push_back(leaf);
  };
  if (!visible) {
    for (const DeviceInfo& leaf : choice.leaves) add_leaf(leaf);
    return devices.empty() ? choice.gpus : devices;
  }
  std::vector<const DeviceInfo*> named;
  for (const std::string_view entry : StrSplit(*visible, ',')) {
    const DeviceInfo* device = Find(choice, StripWhitespace(entry));
    if (device == nullptr) break;
    if (std::ranges::find(named, device) != named.end()) return {};
    named.push_back(device);
  }
  const auto is_leaf = [](const DeviceInfo* device) { return device->uuid.starts_with("MIG-"); };
  const bool any_leaf = std::ranges::any_of(named, is_leaf);
  for (const DeviceInfo* device : named) {
    if (is_leaf(device)) {
      add_leaf(*device);
    } else if (!any_leaf) {
      devices.push_back(*device);
    }
  }
  return devices;
}

}  // namespace flexmig::cuda_sim
