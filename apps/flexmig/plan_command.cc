#include "plan_command.h"

#include <memory>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "commands.h"
#include "exit_code.h"
#include "layout_flags.h"
#include "leases.h"
#include "node.h"
#include "plan_output.h"

namespace flexmig::app {

Status ShowPlan(const Node& node, const std::vector<partition::DesiredGpu>& desired,
                const PlanFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto state, StateDirectory());
  FLEXMIG_ASSIGN_OR_RETURN(const auto record,
                           partition::CreatedRecord::Load(state / "partition" / "created"));
  partition::PlanOptions options;
  options.force = flags.force;
  FLEXMIG_ASSIGN_OR_RETURN(options.holder_of, ReadLeaseHolders(node));
  FLEXMIG_ASSIGN_OR_RETURN(const auto plan,
                           partition::MakePlan(*node.backend, desired, record, options));
  FLEXMIG_RETURN_IF_ERROR(WriteOut(FormatPlan(plan, flags.format, flags.show_steps)));
  if (!plan.is_blocked()) return OkStatus();
  return FailedPreconditionError("the plan is blocked; the lines above say by what");
}

namespace {

Status RunPlan(const LayoutFlags& flags) {
  FLEXMIG_ASSIGN_OR_RETURN(const Node node, OpenNode(flags.backend));
  FLEXMIG_ASSIGN_OR_RETURN(const auto desired, ReadDesired(flags, *node.backend));
  return ShowPlan(node, desired, flags.plan);
}

}  // namespace

void AddPlanCommand(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("plan", "Show what apply would do, its price and who blocks it");
  const auto flags = std::make_shared<LayoutFlags>();
  AddLayoutFlags(*command, *flags);
  command->callback([flags, &exit_code] { exit_code = Report(RunPlan(*flags)); });
}

}  // namespace flexmig::app
