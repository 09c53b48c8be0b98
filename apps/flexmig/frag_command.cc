#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "flexmig/agent/job.h"
#include "flexmig/alloc/fragmentation.h"
#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"

#include "commands.h"
#include "exit_code.h"
#include "leases.h"
#include "node.h"
#include "output.h"
#include "size_flags.h"

namespace flexmig::app {
namespace {

using Json = nlohmann::ordered_json;

struct FragFlags {
  std::string backend;
  std::optional<std::string> layout;
  std::optional<std::string> mix;
  std::string memory;
  std::string max_gpus;
  OutputFormat format = OutputFormat::kTable;
};

// What the command shows.
struct FragReport {
  std::string mix;  // in words
  std::vector<alloc::Fragmentation> sharings;
  alloc::FlatteningLoss flattening;
};

// All GPUs of the node in this layout and free.
Result<mig::NodeInventory> WithLayout(const mig::NodeInventory& node, std::string_view text) {
  mig::NodeInventory what_if;
  what_if.gpus = node.gpus;
  for (const mig::InventoryGpu& gpu : node.gpus) {
    const auto layout = mig::ParseLayout(*gpu.model, text);
    if (layout.status().code() == StatusCode::kResourceExhausted) {
      return InvalidArgumentError(layout.status().message());  // waiting would not help
    }
    if (!layout.ok()) return layout.status();
    for (const mig::PlacedProfile& placed : *layout) {
      const mig::LeafId id(static_cast<int>(what_if.leaves.size()));
      what_if.leaves.push_back({id, gpu.index, mig::MigUuid(),
                                gpu.model->FindProfile(placed.profile), placed.placement});
    }
  }
  return what_if;
}

Result<alloc::LeafPool> ReadPool(const FragFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(auto inventory, hw::ReadInventory(*node.backend));
  if (flags.layout) {
    FLEXMIG_ASSIGN_OR_RETURN(auto what_if, WithLayout(inventory, *flags.layout));
    return alloc::LeafPool(std::move(what_if));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto store, OpenLeases(node));
  FLEXMIG_ASSIGN_OR_RETURN(const auto busy, store.Snapshot());
  return agent::PoolOf(inventory, busy);
}

Result<FragReport> Measure(const FragFlags& flags) {
  alloc::SizeMix mix;
  alloc::FragmentationRules rules;
  if (flags.mix) {
    FLEXMIG_ASSIGN_OR_RETURN(mix, Flag("--mix", alloc::ParseSizeMix(*flags.mix)));
  }
  if (!flags.memory.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(rules.min_memory, Flag("--mem-per-rank", ParseBytes(flags.memory)));
  }
  if (!flags.max_gpus.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t gpus,
                             Flag("--max-gpus", ParseInt(flags.max_gpus, 1, INT32_MAX)));
    rules.max_gpus = static_cast<int>(gpus);
  }
  FLEXMIG_ASSIGN_OR_RETURN(const alloc::LeafPool pool, ReadPool(flags));
  if (pool.inventory().gpus.empty()) return FailedPreconditionError("this node has no GPUs");
  FragReport report;
  if (flags.mix) {
    report.mix = *flags.mix;
  } else {
    int most = 1;
    for (const auto& gpu : pool.inventory().gpus) {
      most = std::max(most, gpu.model->compute_slices);
    }
    mix = alloc::EvenSizes(most);
    report.mix = StrCat("1 to ", most, " compute slices, equally likely");
  }
  for (const alloc::Sharing sharing :
       {alloc::Sharing::kLeaves, alloc::Sharing::kInstances, alloc::Sharing::kPlacements}) {
    report.sharings.push_back(alloc::MeasureFragmentation(pool, sharing, mix, rules));
  }
  report.flattening = alloc::MeasureFlattening(pool);
  return report;
}

std::string Percent(double part, double whole) {
  return FormatFixed(whole > 0 ? 100 * part / whole : 0, 1);
}

std::string AsTable(const FragReport& report) {
  Table totals({"JOB ON", ">FREE SLICES", ">UNUSABLE", ">%", ">STRANDED MEMORY", ">ROUNDING"});
  for (const auto& sharing : report.sharings) {
    totals.AddRow({std::string(alloc::SharingName(sharing.sharing)), StrCat(sharing.free_slices),
                   FormatFixed(sharing.unusable_slices, 2),
                   FormatFixed(100 * sharing.unusable_share, 1),
                   FormatFixed(sharing.stranded_memory_gib, 2) + " GiB",
                   FormatFixed(sharing.rounding_slices, 2)});
  }
  Table sizes({">SIZE", ">WEIGHT", ">LEAVES", ">UNUSABLE %", ">INSTANCE", ">UNUSABLE %",
               ">PLACEMENT", ">UNUSABLE %"});
  for (size_t i = 0; i < report.sharings[0].sizes.size(); ++i) {
    const auto& size = report.sharings[0].sizes[i].size;
    std::vector<std::string> row{StrCat(size.slices), StrCat(size.weight)};
    for (const auto& sharing : report.sharings) {
      const auto& here = sharing.sizes[i];
      row.push_back(here.granted_slices ? StrCat(*here.granted_slices) : "never");
      row.push_back(Percent(static_cast<double>(here.unusable_slices),
                            static_cast<double>(sharing.free_slices)));
    }
    sizes.AddRow(std::move(row));
  }
  const auto& flattening = report.flattening;
  return StrCat("sizes asked for: ", report.mix, "\n\n", totals.Text(),
                "\ncompute slices given for a size, and the free ones that it cannot use\n",
                sizes.Text(), "\nlost to the layout: ", FormatOptional(flattening.sms), " of ",
                flattening.total_sms, " SMs, ", FormatOptional(flattening.memory), " of ",
                FormatOptional(flattening.total_memory), "\n");
}

std::string AsJson(const FragReport& report) {
  Json sharings = Json::array();
  for (const auto& sharing : report.sharings) {
    Json sizes = Json::array();
    for (const auto& size : sharing.sizes) {
      Json row = {{"slices", size.size.slices},
                  {"weight", size.size.weight},
                  {"granted_slices", nullptr},
                  {"unusable_slices", size.unusable_slices},
                  {"unusable_memory_bytes", size.unusable_memory.count()}};
      if (size.granted_slices) row["granted_slices"] = *size.granted_slices;
      sizes.push_back(std::move(row));
    }
    sharings.push_back({{"job_on", std::string(alloc::SharingName(sharing.sharing))},
                        {"free_slices", sharing.free_slices},
                        {"unusable_slices", sharing.unusable_slices},
                        {"unusable_share", sharing.unusable_share},
                        {"stranded_memory_gib", sharing.stranded_memory_gib},
                        {"rounding_slices", sharing.rounding_slices},
                        {"sizes", std::move(sizes)}});
  }
  const auto& flattening = report.flattening;
  Json lost = {{"sms", nullptr},
               {"total_sms", flattening.total_sms},
               {"memory_bytes", nullptr},
               {"total_memory_bytes", nullptr}};
  if (flattening.sms) lost["sms"] = *flattening.sms;
  if (flattening.memory) lost["memory_bytes"] = flattening.memory->count();
  if (flattening.total_memory) lost["total_memory_bytes"] = flattening.total_memory->count();
  const Json document = {
      {"mix", report.mix}, {"sharings", std::move(sharings)}, {"lost_to_layout", std::move(lost)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status RunFrag(const FragFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const FragReport report, Measure(flags));
  return WriteOut(flags.format == OutputFormat::kJson ? AsJson(report) : AsTable(report));
}

}  // namespace

void AddFragCommand(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("frag", "Show how much of what is free a job cannot use, and why");
  const auto flags = std::make_shared<FragFlags>();
  AddBackendOption(*command, flags->backend);
  command->add_option("--layout", flags->layout,
                      "What if every GPU had this layout and were free, e.g. 3g.20gb:2; by default "
                      "the node as it is");
  command->add_option(
      "--mix", flags->mix,
      "Sizes in compute slices and their weights, e.g. 1=30,2=30,5.7=40; by default "
      "all whole sizes of a GPU alike");
  command->add_option("--mem-per-rank", flags->memory, "Smallest memory of a leaf, e.g. 14GiB");
  command->add_option("--max-gpus", flags->max_gpus, "Jobs on leaves span at most this many GPUs");
  AddOutputOption(*command, flags->format);
  command->callback([flags, &exit_code] { exit_code = Report(RunFrag(*flags)); });
}

}  // namespace flexmig::app
