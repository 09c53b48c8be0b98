#include "apply_command.h"

#include <memory>
#include <utility>
#include <vector>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "commands.h"
#include "exit_code.h"
#include "layout_flags.h"
#include "leases.h"
#include "node.h"
#include "plan_command.h"
#include "plan_output.h"

namespace flexmig::app {
namespace {

// The GPUs that are neither as they were nor as they should be, and how to go on.
std::string DescribeLeftovers(const partition::ApplyReport& report) {
  std::string text;
  for (size_t i = 0; i < report.gpus.size(); ++i) {
    if (report.gpus[i].kind != partition::GpuOutcome::Kind::kLeftover) continue;
    const auto& status = report.plan.gpus[i].present.status;
    text += StrCat("; GPU ", status.index.value(), " is left with ",
                   mig::DescribeLayout(*status.model, report.gpus[i].layout));
  }
  return text;
}

}  // namespace

Status BringNodeTo(const Node& node, const std::vector<partition::DesiredGpu>& desired,
                   const PlanFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto state, StateDirectory());
  partition::ApplyOptions options;
  options.state_directory = state / "partition";
  options.plan.force = flags.force;
  FLEXMIG_ASSIGN_OR_RETURN(options.plan.holder_of, ReadLeaseHolders(node));
  std::vector<agent::Lease> reserved;
  options.reserve = [&](std::vector<mig::MigUuid> leaves) -> Status {
    // A new leaf in the place of one that went has its UUID.
    for (const agent::Lease& lease : reserved) {
      for (const mig::MigUuid& own : lease.leaves()) std::erase(leaves, own);
    }
    if (leaves.empty()) return OkStatus();
    FLEXMIG_ASSIGN_OR_RETURN(auto lease, ReserveLeaves(node, leaves));
    reserved.push_back(std::move(lease));
    return OkStatus();
  };
  const auto report = partition::Apply(*node.backend, desired, options);
  if (report.gpus.empty()) return report.status;
  Status written = WriteOut(FormatReport(report, flags.format, flags.show_steps));
  if (report.status.ok()) return written;
  return {report.status.code(), StrCat(report.status.message(), DescribeLeftovers(report),
                                       "; the same command again continues")};
}

namespace {

Status RunApply(const LayoutFlags& flags, bool dry_run) {
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto desired, ReadDesired(flags, *node.backend));
  return dry_run ? ShowPlan(node, desired, flags.plan) : BringNodeTo(node, desired, flags.plan);
}

}  // namespace

void AddApplyCommand(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("apply", "Bring the GPUs to a layout");
  const auto flags = std::make_shared<LayoutFlags>();
  const auto dry_run = std::make_shared<bool>(false);
  AddLayoutFlags(*command, *flags);
  command->add_flag("--dry-run", *dry_run, "Change nothing, show the plan");
  command->callback(
      [flags, dry_run, &exit_code] { exit_code = Report(RunApply(*flags, *dry_run)); });
}

}  // namespace flexmig::app
