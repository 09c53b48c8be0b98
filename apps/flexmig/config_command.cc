// `flexmig export` and `flexmig generate-config`: what writes files of mig-parted.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/partition/catalogue.h"
#include "flexmig/partition/export.h"
#include "flexmig/partition/mig_parted.h"

#include "commands.h"
#include "exit_code.h"
#include "node.h"
#include "observe_node.h"
#include "output.h"

namespace flexmig::app {
namespace {

using Json = nlohmann::ordered_json;

struct ConfigFileFlags {
  std::string backend;
  std::string label = "current";
  std::optional<std::string> file;
  OutputFormat format = OutputFormat::kYaml;
};

void AddFlags(CLI::App& command, ConfigFileFlags& flags) {
  AddBackendOption(command, flags.backend);
  command.add_option("-f,--output-file", flags.file,
                     "Write here instead of to the standard output");
  AddOutputOption(command, flags.format, {OutputFormat::kYaml, OutputFormat::kJson});
}

// mig-parted's own names and types: a string for one filter, a list for several.
Json RuleJson(const partition::MigPartedRule& rule) {
  Json json = Json::object();
  if (rule.device_filter.size() == 1) json["device-filter"] = rule.device_filter[0].ToString();
  if (rule.device_filter.size() > 1) {
    for (const auto& filter : rule.device_filter)
      json["device-filter"].push_back(filter.ToString());
  }
  json["devices"] = rule.all_gpus ? Json("all") : Json(rule.gpus);
  json["mig-enabled"] = rule.mig_enabled;
  json["mig-devices"] = Json::object();
  for (const auto& [profile, count] : rule.instances) json["mig-devices"][profile] = count;
  return json;
}

std::string Format(const partition::MigPartedFile& file, OutputFormat format) {
  if (format == OutputFormat::kYaml) return partition::FormatMigParted(file);
  Json configs = Json::object();
  for (const auto& [name, rules] : file.configs) {
    for (const auto& rule : rules) configs[name].push_back(RuleJson(rule));
  }
  return FormatDocument({{"version", "v1"}, {"mig-configs", std::move(configs)}}, format);
}

Status Write(const partition::MigPartedFile& file, const ConfigFileFlags& flags) {
  const std::string text = Format(file, flags.format);
  return flags.file ? WriteFileAtomically(*flags.file, text) : WriteOut(text);
}

// For people; mig-parted leaves them out without a word.
void WarnOfBareInstances(const std::vector<partition::ObservedGpu>& gpus) {
  for (const auto& gpu : gpus) {
    const auto bare =
        std::ranges::count_if(gpu.instances, [](const auto& instance) { return !instance.device; });
    if (bare == 0) continue;
    std::fprintf(stderr,
                 "flexmig: GPU %d: left out: %d GPU instance%s without compute instance; "
                 "flexmig apply repairs that\n",
                 gpu.status.index.value(), static_cast<int>(bare), bare == 1 ? "" : "s");
  }
}

Status RunExport(const ConfigFileFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, ObserveNode(node));
  FLEXMIG_ASSIGN_OR_RETURN(const auto file, partition::ExportLayout(gpus, flags.label));
  WarnOfBareInstances(gpus);
  return Write(file, flags);
}

Status RunGenerate(const ConfigFileFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, node.backend->ListGpus());
  FLEXMIG_ASSIGN_OR_RETURN(const auto file, partition::MakeCatalogue(gpus));
  return Write(file, flags);
}

}  // namespace

void AddExportCommand(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("export", "Write the node's present layout as a file of mig-parted");
  const auto flags = std::make_shared<ConfigFileFlags>();
  AddFlags(*command, *flags);
  command->add_option("-l,--config-label", flags->label, "Name of the configuration [current]");
  command->callback([flags, &exit_code] { exit_code = Report(RunExport(*flags)); });
}

void AddGenerateConfigCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "generate-config", "Write a file of mig-parted with every layout that these boards can take");
  const auto flags = std::make_shared<ConfigFileFlags>();
  AddFlags(*command, *flags);
  command->callback([flags, &exit_code] { exit_code = Report(RunGenerate(*flags)); });
}

}  // namespace flexmig::app
