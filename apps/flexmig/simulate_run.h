#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/sim/scheme.h"
#include "flexmig/sim/workload.h"

#include "simulate_output.h"
#include "simulate_report.h"

namespace flexmig::app {

// A comparison of policies on one workload.
struct ComparisonInput {
  std::string trace_name;         // for a heading
  std::string trace_description;  // with what was left out of it
  std::string trace_path;         // empty for a generated one
  int64_t trace_jobs = 0;
  std::optional<double> load;
  uint64_t seed = 1;
  std::string queue;
  std::vector<std::string_view> policies;
};

// Runs one policy after the other, adds what they made of the workload to `report`, writes the
// files that are wanted, and shows on a terminal how far it is. REQUIRES: policies and queue exist.
// Errors: those of sim::RunPolicy and SimulationOutput.
Status RunPolicies(const ComparisonInput& input, const OutputArguments& files,
                   const sim::SchemeContext& context, const sim::Workload& workload,
                   SimulationReport& report);

}  // namespace flexmig::app
