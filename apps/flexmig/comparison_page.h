#pragma once

#include <string>
#include <vector>

#include "flexmig/report/comparison_data.h"
#include "flexmig/sweep/compare.h"

namespace flexmig::app {

// A sweep's comparison as its page shows it. Policies are named by all that tells them apart: how
// they choose leaves only if the rows differ in that; else it is a field that all workloads share.
report::ComparisonData ComparisonPage(const std::vector<sweep::Row>& rows,
                                      std::vector<std::string> command);

}  // namespace flexmig::app
