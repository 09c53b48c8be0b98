#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/sweep/grid.h"
#include "flexmig/sweep/results_file.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::sweep {

// Makes the runs that settings name. Traces are read once and kept.
//
// Threading: thread-safe.
class Experiment {
 public:
  // Whether all that can be known without running it is right: names, numbers, that the trace can
  // be read. Errors: those of the parsers, naming the part.
  Status Check(const Setting& setting);
  Result<RunResult> Run(const Setting& setting);

 private:
  using Trace = std::shared_ptr<const std::vector<trace::JobRecord>>;
  Result<Trace> TraceOf(const std::string& name);

  std::mutex mutex_;
  std::map<std::string, Trace> traces_;  // guarded by mutex_
};

}  // namespace flexmig::sweep
