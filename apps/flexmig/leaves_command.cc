#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "flexmig/base/strings.h"
#include "flexmig/partition/observed.h"

#include "commands.h"
#include "exit_code.h"
#include "leases.h"
#include "node.h"
#include "output.h"

namespace flexmig::app {
namespace {

using Json = nlohmann::ordered_json;

struct LeavesFlags {
  std::string backend;
  OutputFormat format = OutputFormat::kTable;
};

// What the command shows: the leaves, and by UUID what is known about each.
struct Leaves {
  mig::NodeInventory inventory;
  std::vector<partition::ObservedGpu> gpus;
  std::map<mig::MigUuid, partition::ObservedInstance> instances;
  size_t without_compute_instance = 0;
};

Result<Leaves> ReadLeaves(const Node& node, const partition::LeaseHolderOf& holder_of) {
  Leaves leaves;
  FLEXMIG_ASSIGN_OR_RETURN(leaves.inventory, hw::ReadInventory(*node.backend));
  for (const mig::InventoryGpu& gpu : leaves.inventory.gpus) {
    FLEXMIG_ASSIGN_OR_RETURN(
        auto observed,
        partition::Observe(*node.backend, gpu.index, partition::CreatedRecord(), holder_of));
    for (const auto& instance : observed.instances) {
      if (instance.device) {
        leaves.instances[instance.device->uuid] = instance;
      } else {
        ++leaves.without_compute_instance;
      }
    }
    leaves.gpus.push_back(std::move(observed));
  }
  return leaves;
}

std::string_view StateOf(const partition::ObservedInstance& instance) {
  if (!instance.holder.empty()) return "leased";
  return instance.processes.empty() ? "free" : "in use";
}

std::string DescribeState(const partition::ObservedInstance& instance) {
  if (!instance.holder.empty()) return StrCat("leased by ", instance.holder);
  if (instance.processes.empty()) return "free";
  std::vector<std::string> pids;
  for (const pid_t pid : instance.processes) pids.push_back(StrCat(pid));
  return StrCat("in use by ", StrJoin(pids, ", "));
}

// "1 GPU", "8 GPUs".
std::string Count(size_t count, std::string_view noun, std::string_view plural) {
  return StrCat(count, " ", count == 1 ? noun : plural);
}

std::string Summary(const Leaves& leaves) {
  std::map<std::string_view, size_t> states;
  for (const auto& leaf : leaves.inventory.leaves) {
    ++states[StateOf(leaves.instances.at(leaf.uuid))];
  }
  size_t mig_off = 0;
  for (const auto& gpu : leaves.gpus) mig_off += gpu.status.mig_enabled ? 0 : 1;
  std::string text = StrCat(Count(leaves.inventory.leaves.size(), "leaf", "leaves"), " on ",
                            Count(leaves.gpus.size(), "GPU", "GPUs"), ": ", states["free"],
                            " free, ", states["leased"], " leased, ", states["in use"], " in use");
  if (mig_off > 0) text += StrCat("; MIG is off on ", Count(mig_off, "GPU", "GPUs"));
  if (leaves.without_compute_instance > 0) {
    text += StrCat("; ", Count(leaves.without_compute_instance, "GPU instance", "GPU instances"),
                   " without compute instance (flexmig apply repairs that)");
  }
  return text + "\n";
}

std::string AsTable(const Leaves& leaves) {
  Table table({">LEAF", ">GPU", "PLACE", "PROFILE", ">SMS", ">MEMORY", ">NUMA", "STATE", "UUID"});
  for (const auto& leaf : leaves.inventory.leaves) {
    const auto& gpu = leaves.inventory.gpus[static_cast<size_t>(leaf.gpu.value())];
    table.AddRow({StrCat(leaf.id.value()), StrCat(leaf.gpu.value()),
                  StrCat(leaf.placement.start, ":", leaf.placement.size),
                  std::string(leaf.profile->name), FormatOptional(leaf.profile->sms),
                  FormatOptional(leaf.profile->memory),
                  gpu.numa_node < 0 ? "?" : StrCat(gpu.numa_node),
                  DescribeState(leaves.instances.at(leaf.uuid)), leaf.uuid.value()});
  }
  const std::string rows = leaves.inventory.leaves.empty() ? "" : table.Text() + "\n";
  return rows + Summary(leaves);
}

std::string AsDocument(const Leaves& leaves, OutputFormat format) {
  Json gpus = Json::array();
  for (const auto& gpu : leaves.gpus) {
    gpus.push_back({{"index", gpu.status.index.value()},
                    {"uuid", gpu.status.uuid.value()},
                    {"model", std::string(gpu.status.model->key)},
                    {"pci_bus_id", gpu.status.pci_bus_id},
                    {"numa_node", gpu.status.numa_node},
                    {"mig_enabled", gpu.status.mig_enabled}});
  }
  Json rows = Json::array();
  for (const auto& leaf : leaves.inventory.leaves) {
    const auto& instance = leaves.instances.at(leaf.uuid);
    const auto& gpu = leaves.inventory.gpus[static_cast<size_t>(leaf.gpu.value())];
    Json row = {{"leaf", leaf.id.value()},
                {"gpu", leaf.gpu.value()},
                {"uuid", leaf.uuid.value()},
                {"profile", std::string(leaf.profile->name)},
                {"start", leaf.placement.start},
                {"size", leaf.placement.size},
                {"sms", nullptr},
                {"memory_bytes", nullptr},
                {"numa_node", gpu.numa_node},
                {"state", std::string(StateOf(instance))},
                {"holder", nullptr},
                {"processes", instance.processes}};
    if (leaf.profile->sms) row["sms"] = *leaf.profile->sms;
    if (leaf.profile->memory) row["memory_bytes"] = leaf.profile->memory->count();
    if (!instance.holder.empty()) row["holder"] = instance.holder;
    rows.push_back(std::move(row));
  }
  const Json document = {{"gpus", std::move(gpus)}, {"leaves", std::move(rows)}};
  return FormatDocument(document, format);
}

Status RunLeaves(const LeavesFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto holder_of, ReadLeaseHolders(node));
  FLEXMIG_ASSIGN_OR_RETURN(const Leaves leaves, ReadLeaves(node, holder_of));
  return WriteOut(flags.format == OutputFormat::kTable ? AsTable(leaves)
                                                       : AsDocument(leaves, flags.format));
}

}  // namespace

void AddLeavesCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("leaves", "List the leaves and who uses them");
  const auto flags = std::make_shared<LeavesFlags>();
  AddBackendOption(*command, flags->backend);
  AddOutputOption(*command, flags->format, kEveryFormat);
  command->callback([flags, &exit_code] { exit_code = Report(RunLeaves(*flags)); });
}

}  // namespace flexmig::app
