#pragma once

#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/partition/plan.h"

#include "layout_flags.h"
#include "node.h"

namespace flexmig::app {

// What `plan` does, and `apply` and `restore` with --dry-run. Errors: also kFailedPrecondition for
// a plan that is blocked, after it has been printed.
Status ShowPlan(const Node& node, const std::vector<partition::DesiredGpu>& desired,
                const PlanFlags& flags);

}  // namespace flexmig::app
