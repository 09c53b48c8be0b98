#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"
#include "flexmig/sim/summary.h"
#include "flexmig/sweep/grid.h"

namespace flexmig::sweep {

struct RunResult {
  sim::Summary summary;  // policy and role included
  std::string description;
  double offered_load = 0;  // 0 if all jobs are submitted at once
};
using Results = std::map<Setting, RunResult>;

// One line of a results file, without its end (docs/formats/sweep-results.md).
std::string RenderLine(const Setting& setting, const RunResult& result);
// Errors: kInvalidArgument with the column, for anything that RenderLine does not write.
Result<std::pair<Setting, RunResult>> ParseLine(std::string_view line);

// All results of a file. A last line without its end is one whose writer was killed: it is passed
// over. Errors: kNotFound; kInvalidArgument "<file>:<line>: ..." for a line that is malformed or
// repeats a setting.
Result<Results> ReadResults(const std::filesystem::path& path);

// Appends results, each by one write(2), so that a kill leaves whole lines and at most a begun one.
// One writer at a time, by a lock on the file. Threading: one owner.
class ResultsWriter {
 public:
  // Creates the file if it is missing, and cuts off a begun last line. Errors: kUnavailable if
  // somebody else writes it; those of open(2).
  static Result<ResultsWriter> Open(const std::filesystem::path& path);
  // Errors: those of write(2), e.g. kResourceExhausted for a full disk; the line may then be begun.
  Status Append(const Setting& setting, const RunResult& result);

 private:
  explicit ResultsWriter(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace flexmig::sweep
