// `flexmig checkpoint` and `flexmig restore`.

#include <memory>
#include <optional>
#include <string>

#include "flexmig/base/file.h"
#include "flexmig/partition/node_layout.h"

#include "apply_command.h"
#include "commands.h"
#include "exit_code.h"
#include "layout_flags.h"
#include "node.h"
#include "observe_node.h"
#include "output.h"
#include "plan_command.h"

namespace flexmig::app {
namespace {

struct RestoreFlags {
  std::string backend;
  std::string file;
  bool missing_ok = false;
  bool dry_run = false;
  PlanFlags plan;
};

Status RunCheckpoint(const std::string& backend, const std::optional<std::string>& file) {
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, ObserveNode(node));
  const std::string text = partition::FormatNodeLayout(partition::SaveLayout(gpus));
  return file ? WriteFileAtomically(*file, text) : WriteOut(text);
}

Status RunRestore(const RestoreFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string text, ReadFile(flags.file));
  FLEXMIG_ASSIGN_OR_RETURN(const auto layout, partition::ParseNodeLayout(text, flags.file));
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, node.backend->ListGpus());
  FLEXMIG_ASSIGN_OR_RETURN(const auto desired,
                           partition::DesiredFrom(layout, gpus, flags.missing_ok));
  return flags.dry_run ? ShowPlan(node, desired, flags.plan)
                       : BringNodeTo(node, desired, flags.plan);
}

}  // namespace

void AddCheckpointCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "checkpoint", "Save what the node is cut into, place by place, for restore");
  const auto backend = std::make_shared<std::string>();
  const auto file = std::make_shared<std::optional<std::string>>();
  AddBackendOption(*command, *backend);
  command->add_option("-f,--file", *file, "Write here instead of to the standard output");
  command->callback(
      [backend, file, &exit_code] { exit_code = Report(RunCheckpoint(*backend, *file)); });
}

void AddRestoreCommand(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("restore", "Bring the node to what checkpoint saved, e.g. after a reboot");
  const auto flags = std::make_shared<RestoreFlags>();
  AddBackendOption(*command, flags->backend);
  command->add_option("-f,--file", flags->file, "The file that checkpoint wrote")->required();
  command->add_flag("--missing-ok", flags->missing_ok,
                    "Leave out GPUs that are not on the node any more");
  AddPlanFlags(*command, flags->plan);
  command->add_flag("--dry-run", flags->dry_run, "Change nothing, show the plan");
  command->callback([flags, &exit_code] { exit_code = Report(RunRestore(*flags)); });
}

}  // namespace flexmig::app
