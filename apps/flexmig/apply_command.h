#pragma once

#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/partition/plan.h"

#include "layout_flags.h"
#include "node.h"

namespace flexmig::app {

// What `apply` and `restore` do, report included. Errors: those of the report; the message says
// what is left over and how to go on.
Status BringNodeTo(const Node& node, const std::vector<partition::DesiredGpu>& desired,
                   const PlanFlags& flags);

}  // namespace flexmig::app
