#pragma once

#include <functional>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/sweep/grid.h"
#include "flexmig/sweep/results_file.h"

namespace flexmig::sweep {

// What a sweep is made of.
struct SweepWork {
  // One run; called from several threads at once.
  std::function<Result<RunResult>(const Setting&)> run;
  int threads = 1;
  // Called after each, in one thread at a time: how many are done, with those before this sweep.
  // False ends the sweep when the runs under way are done. May be empty.
  std::function<bool(size_t done, size_t total)> on_done;
};

// Makes all runs of `settings` that `known` does not have, in their order as threads become free,
// and appends each result at once: a sweep that was killed goes on where it was.
// Errors: that of the first run that fails, naming its setting, or of the writer; the results
// before it are kept. kAborted if on_done ended it.
Status RunSweep(const std::vector<Setting>& settings, const Results& known, ResultsWriter& writer,
                const SweepWork& work);

}  // namespace flexmig::sweep
