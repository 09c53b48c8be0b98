#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "flexmig/base/strings.h"
#include "flexmig/partition/difference.h"
#include "flexmig/partition/mig_parted.h"

#include "commands.h"
#include "exit_code.h"
#include "layout_flags.h"
#include "node.h"
#include "observe_node.h"
#include "output.h"

namespace flexmig::app {
namespace {

using Json = nlohmann::ordered_json;

struct AssertFlags {
  std::string backend;
  ConfigFlags config;
  bool mode_only = false;
  bool valid_config = false;
  OutputFormat format = OutputFormat::kTable;
};

Status Show(const AssertFlags& flags, const std::string& config,
            const std::vector<std::string>& differences) {
  if (flags.format != OutputFormat::kTable) {
    return WriteOut(FormatDocument(
        {{"config", config}, {"holds", differences.empty()}, {"differences", differences}},
        flags.format));
  }
  std::string text = StrCat("'", config, "' is ", differences.empty() ? "" : "not ",
                            flags.valid_config ? "valid" : "applied",
                            flags.mode_only ? " (MIG modes only)\n" : "\n");
  for (const std::string& difference : differences) text += difference + "\n";
  return WriteOut(text);
}

// Sets `exit_code` for a negative answer.
Status RunAssert(const AssertFlags& flags, int& exit_code) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto file, ReadConfigFile(flags.config));
  FLEXMIG_ASSIGN_OR_RETURN(const std::string config,
                           partition::ConfigName(file, flags.config.config));
  if (flags.valid_config) return Show(flags, config, {});
  if (flags.backend.empty()) {
    return InvalidArgumentError("--backend is missing; only --valid-config goes without");
  }
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, ObserveNode(node));
  std::vector<hw::GpuStatus> statuses;
  for (const auto& gpu : gpus) statuses.push_back(gpu.status);
  FLEXMIG_ASSIGN_OR_RETURN(const auto desired, partition::SelectConfig(file, config, statuses));
  const auto differences = partition::FindDifferences(gpus, desired, flags.mode_only);
  if (!differences.empty()) exit_code = kExitNegative;
  return Show(flags, config, differences);
}

}  // namespace

void AddAssertCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "assert", "Say whether the node has a configuration of mig-parted: exit code 0 or 1");
  const auto flags = std::make_shared<AssertFlags>();
  AddBackendOption(*command, flags->backend)->required(false);
  command
      ->add_option("-f,--file", flags->config.file,
                   "A configuration file of mig-parted (v1), - for the standard input")
      ->required();
  command->add_option("-c,--config", flags->config.config,
                      "The configuration in the file, if it has several");
  command->add_flag("-m,--mode-only", flags->mode_only, "Compare MIG mode only, not the instances");
  command->add_flag("-a,--valid-config", flags->valid_config,
                    "Only say whether the file is valid and has the configuration");
  AddOutputOption(*command, flags->format, kEveryFormat);
  command->callback([flags, &exit_code] {
    int answer = kExitOk;
    const Status status = RunAssert(*flags, answer);
    exit_code = status.ok() ? answer : Report(status);
  });
}

}  // namespace flexmig::app
