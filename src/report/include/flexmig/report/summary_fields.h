#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "flexmig/sim/summary.h"

namespace flexmig::report {

struct SummaryField {
  std::string_view name;  // with its unit, e.g. "makespan_s"
  std::variant<int64_t, double, std::string> value;
};

// All of a summary, in the order in which machine-readable results have it: the one place that
// names the fields.
std::vector<SummaryField> SummaryFields(const sim::Summary& summary);

// "baseline", "flexmig", "reference".
std::string_view RoleName(sim::Role role);

}  // namespace flexmig::report
