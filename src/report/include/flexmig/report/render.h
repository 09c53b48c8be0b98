#pragma once

#include <string>

#include "flexmig/base/status.h"
#include "flexmig/report/comparison_data.h"
#include "flexmig/report/report_data.h"

namespace flexmig::report {

// Bounds of a page, so that browsers stay quick: at most so many runs, of which the first of each
// policy, load and setting is shown in detail until so many are.
inline constexpr size_t kMaxRuns = 20'000;
inline constexpr size_t kMaxDetailedRuns = 24;

// The comparison as JSON (docs/formats/simulation-output.md): without what the charts show; one
// line a run. Text that is not UTF-8 has its bad bytes replaced by U+FFFD.
std::string RenderSummaryJson(const ReportData& data);

// Whether this build has the plotting library that pages need.
bool CanRenderHtml();
// The same; the error, kUnimplemented, says how to mend it.
Status CheckCanRenderHtml();

// A page that needs nothing else: no network, no other file. Text of the data is never read as
// markup. Size: 0.4 MB, 0.1 to 0.2 MB for each run in detail, 0.5 KB for each other.
// Errors: that of CheckCanRenderHtml; kInvalidArgument for more than kMaxRuns runs.
Result<std::string> RenderHtml(const ReportData& data);
Result<std::string> RenderHtml(const ComparisonData& data);

}  // namespace flexmig::report
