#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "flexmig/base/strings.h"
#include "flexmig/partition/device_filter.h"

#include "commands.h"
#include "exit_code.h"
#include "node.h"
#include "observe_node.h"
#include "output.h"

namespace flexmig::app {
namespace {

using Json = nlohmann::ordered_json;
using partition::ObservedGpu;

struct DiscoverFlags {
  std::string backend;
  OutputFormat format = OutputFormat::kTable;
};

std::string ModeOf(const hw::GpuStatus& gpu) {
  if (gpu.model->profiles.empty()) return "no MIG";
  const std::string mode = gpu.mig_enabled ? "on" : "off";
  if (gpu.mig_enabled == gpu.mig_enabled_pending) return mode;
  return StrCat(mode, ", ", gpu.mig_enabled_pending ? "on" : "off", " after a reset");
}

// Where an instance of the profile could be created beside those that are there.
std::vector<int> FreeStarts(const ObservedGpu& gpu, const mig::Profile& profile) {
  std::vector<int> starts;
  for (const int start : profile.starts) {
    mig::MigLayout layout = gpu.layout();
    layout.push_back({profile.id, {start, profile.memory_slices}});
    if (mig::CheckLayout(*gpu.status.model, layout).ok()) starts.push_back(start);
  }
  return starts;
}

// "0-6:1", "0,4:4": as drivers write placements, start and size.
std::string DescribePlacements(const mig::Profile& profile) {
  const auto starts = profile.starts;
  std::vector<std::string> words;
  for (size_t i = 0; i < starts.size(); ++i) {
    size_t last = i;
    while (last + 1 < starts.size() && starts[last + 1] == starts[last] + 1) ++last;
    words.push_back(last > i + 1 ? StrCat(starts[i], "-", starts[last]) : StrCat(starts[i]));
    if (last > i + 1) i = last;
  }
  return StrCat(StrJoin(words, ","), ":", profile.memory_slices);
}

std::string BoardTable(const std::vector<ObservedGpu>& gpus) {
  Table table({">GPU", "MODEL", "PCI ADDRESS", "DEVICE ID", "SUBSYSTEM", ">NUMA", "MIG",
               "INSTANCES", "UUID"});
  for (const ObservedGpu& gpu : gpus) {
    const hw::GpuStatus& status = gpu.status;
    const partition::DeviceFilter ids{status.pci_device_id, status.pci_subsystem_id};
    const std::string text = ids.ToString();  // "0x20B010DE:0x134F10DE"
    const size_t colon = text.find(':');
    table.AddRow({StrCat(status.index.value()), std::string(status.model->key), status.pci_bus_id,
                  text.substr(0, colon), text.substr(colon + 1),
                  status.numa_node < 0 ? "?" : StrCat(status.numa_node), ModeOf(status),
                  gpu.instances.empty() ? "-" : mig::DescribeLayout(*status.model, gpu.layout()),
                  status.uuid.value()});
  }
  return table.Text();
}

std::string ProfileTable(const mig::GpuModel& model) {
  Table table(
      {"PROFILE", ">ID", ">SLICES", ">SMS", ">MEMORY", ">COPY ENGINES", ">AT MOST", "PLACEMENTS"});
  for (const mig::Profile& profile : model.profiles) {
    table.AddRow({std::string(profile.name), StrCat(profile.id.value()),
                  StrCat(profile.compute_slices), FormatOptional(profile.sms),
                  FormatOptional(profile.memory), StrCat(profile.copy_engines),
                  StrCat(profile.max_instances), DescribePlacements(profile)});
  }
  return StrCat(
      "\n", model.key, ": ", model.product, ", ", mig::ArchitectureName(model.architecture), ", ",
      model.total_sms, " SMs, ", model.placement_units, " memory slices; switching MIG ",
      model.mode_change_needs_reset ? "resets the GPU" : "needs no reset", "\n", table.Text());
}

std::string AsTable(const std::vector<ObservedGpu>& gpus) {
  std::string text = BoardTable(gpus);
  std::set<const mig::GpuModel*> shown;
  for (const ObservedGpu& gpu : gpus) {
    const mig::GpuModel* model = gpu.status.model;
    if (!model->profiles.empty() && shown.insert(model).second) text += ProfileTable(*model);
  }
  return text;
}

template <typename Value>
Json Optional(const std::optional<Value>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_same_v<Value, Bytes>) {
    return value->count();
  } else {
    return *value;
  }
}

Json ProfileJson(const ObservedGpu& gpu, const mig::Profile& profile) {
  return {{"name", std::string(profile.name)},
          {"id", profile.id.value()},
          {"compute_slices", profile.compute_slices},
          {"memory_slices", profile.memory_slices},
          {"sms", Optional(profile.sms)},
          {"memory_bytes", Optional(profile.memory)},
          {"copy_engines", profile.copy_engines},
          {"max_instances", profile.max_instances},
          {"starts", std::vector<int>(profile.starts.begin(), profile.starts.end())},
          {"free_starts", FreeStarts(gpu, profile)}};
}

Json GpuJson(const ObservedGpu& gpu) {
  const hw::GpuStatus& status = gpu.status;
  const mig::GpuModel& model = *status.model;
  const partition::DeviceFilter ids{status.pci_device_id, std::nullopt};
  const partition::DeviceFilter subsystem{status.pci_subsystem_id, std::nullopt};
  Json instances = Json::array();
  for (const auto& instance : gpu.instances) {
    const mig::Profile* profile = model.FindProfile(instance.placed.profile);
    instances.push_back(
        {{"profile", profile == nullptr ? Json() : Json(std::string(profile->name))},
         {"profile_id", instance.placed.profile.value()},
         {"start", instance.placed.placement.start},
         {"size", instance.placed.placement.size},
         {"gpu_instance_id", instance.id.value()},
         {"mig_uuid", instance.device ? Json(instance.device->uuid.value()) : Json()}});
  }
  Json profiles = Json::array();
  for (const auto& profile : model.profiles) profiles.push_back(ProfileJson(gpu, profile));
  return {{"index", status.index.value()},
          {"uuid", status.uuid.value()},
          {"model", std::string(model.key)},
          {"product", std::string(model.product)},
          {"architecture", std::string(mig::ArchitectureName(model.architecture))},
          {"pci_bus_id", status.pci_bus_id},
          {"pci_device_id", ids.ToString()},
          {"pci_subsystem_id", subsystem.ToString()},
          {"numa_node", status.numa_node},
          {"total_sms", model.total_sms},
          {"mig_capable", !model.profiles.empty()},
          {"mig_enabled", status.mig_enabled},
          {"mig_enabled_pending", status.mig_enabled_pending},
          {"mode_change_needs_reset", model.mode_change_needs_reset},
          {"instances", std::move(instances)},
          {"profiles", std::move(profiles)}};
}

Status RunDiscover(const DiscoverFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, ObserveNode(node));
  if (flags.format == OutputFormat::kTable) return WriteOut(AsTable(gpus));
  Json boards = Json::array();
  for (const ObservedGpu& gpu : gpus) boards.push_back(GpuJson(gpu));
  return WriteOut(FormatDocument({{"gpus", std::move(boards)}}, flags.format));
}

}  // namespace

void AddDiscoverCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "discover", "List the boards, what they can be cut into and what they are cut into");
  const auto flags = std::make_shared<DiscoverFlags>();
  AddBackendOption(*command, flags->backend);
  AddOutputOption(*command, flags->format, kEveryFormat);
  command->callback([flags, &exit_code] { exit_code = Report(RunDiscover(*flags)); });
}

}  // namespace flexmig::app
