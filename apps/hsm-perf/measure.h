#pragma once

#include <vector>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"

#include "library.h"
#include "options.h"
#include "records.h"

namespace flexmig::perf {

// All that a run has found.
struct Measurements {
  std::vector<Record> records;
  std::vector<std::string> versions;  // of the libraries, in their order
  std::vector<std::string> failures;  // what was not measured, and why
};

// Runs every collective and type with each library in turn, and that as often as there are passes,
// so that a change of the machine's state meets all of them alike. Prints tables to stdout as they
// come, and what fails to stderr. A failure of a peer leaves its points out and is no error.
// Errors: those of the first group of `libraries.front()` that failed; kInvalidArgument.
Result<Measurements> Measure(const Options& options, const std::vector<Library>& libraries);

// When the group of `config` has to be done: options.deadline, or by its sizes.
[[nodiscard]] Deadline DeadlineFor(const Options& options, const GroupConfig& config);

// Whether any element was wrong.
[[nodiscard]] bool HasWrongResults(const Measurements& measurements);

}  // namespace flexmig::perf
