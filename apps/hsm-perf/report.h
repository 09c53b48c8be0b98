#pragma once

#include <string>
#include <vector>

#include "flexmig/base/status.h"

#include "goals.h"
#include "results.h"

namespace flexmig::perf {

// The page of results, in Markdown.
[[nodiscard]] std::string ReportText(const Results& results, const std::vector<Goal>& goals);

// Writes the page from the JSON files of runs of --peers and --limits and
// from the table of goals (goals.h). Errors: of reading and writing, naming the file;
// kInvalidArgument for a file that is not of this format.
Status WriteReport(const std::string& page_path, const std::string& goals_path,
                   const std::vector<std::string>& json_paths);

}  // namespace flexmig::perf
