#pragma once

#include <string>

#include "flexmig/partition/apply.h"
#include "flexmig/partition/plan.h"

#include "output.h"

namespace flexmig::app {

// What `plan` and `apply --dry-run` print.
std::string FormatPlan(const partition::NodePlan& plan, OutputFormat format, bool show_steps);

// What `apply` prints once it has begun. REQUIRES: report.gpus tells of every GPU of the plan.
std::string FormatReport(const partition::ApplyReport& report, OutputFormat format,
                         bool show_steps);

}  // namespace flexmig::app
