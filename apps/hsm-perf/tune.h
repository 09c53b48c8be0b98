#pragma once

#include <string>
#include <vector>

#include "flexmig/base/status.h"

#include "library.h"
#include "options.h"
#include "thresholds.h"

namespace flexmig::perf {

// What was measured of one collective.
struct TunedCollective {
  std::string name;
  std::vector<AlgorithmTimes> times;
};

// The selection file: the line of each collective, with its times as comments above it.
[[nodiscard]] std::string TunedFileText(const Options& options,
                                        const std::vector<TunedCollective>& collectives);

// Measures `ours` with each algorithm forced, in turn within each pass, and writes the selection
// file options.tune_path; prints the lines to stdout as they come.
// Errors: those of the first group that failed; kDataLoss for a wrong result; of writing. There is
// no new file then.
Status Tune(const Options& options, const Library& ours);

}  // namespace flexmig::perf
