#pragma once

#include <string>

#include "flexmig/base/status.h"

namespace flexmig::app {

struct ValidateArguments {
  int jobs = 40;
  uint64_t seed = 1;
  std::string calibration;  // where to write the constants; empty for nowhere
};

struct Validation {
  std::string text;  // the table, for stdout
  bool agrees = false;
};

// `flexmig simulate --validate`: runs a schedule of short real jobs on a simulated node, predicts
// it with the constants measured just before, and compares. It agrees if the makespan differs by
// less than 5 %. Takes about 40 s for 40 jobs.
Result<Validation> Validate(const ValidateArguments& arguments);

}  // namespace flexmig::app
