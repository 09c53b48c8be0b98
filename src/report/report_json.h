#pragma once

#include <string>

#include "flexmig/report/comparison_data.h"
#include "flexmig/report/report_data.h"

namespace flexmig::report {

// The data as the page's scripts read it, without line ends; ASCII, and with '<', '>' and '&' as
// escapes, so that nothing in it can end the element that holds it.
std::string RenderPageJson(const ReportData& data);
std::string RenderPageJson(const ComparisonData& data);

}  // namespace flexmig::report
