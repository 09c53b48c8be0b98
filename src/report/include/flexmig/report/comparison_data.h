#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/sim/summary.h"

namespace flexmig::report {

// Runs of policies on many workloads, each already set against the best baseline there: what the
// page of `flexmig simulate compare` shows. Unlike ReportData it has no more of a run than its
// summary. docs/formats/simulation-output.md has the same fields as JSON.
struct ComparisonData {
  struct Policy {
    std::string name;  // with what tells it from others of that name, e.g. "flexmig, comm 0.9"
    sim::Role role = sim::Role::kReference;
  };
  struct Run {
    size_t workload = 0;  // into workloads
    size_t policy = 0;    // into policies
    uint64_t seed = 1;
    std::optional<double> offered_load;
    std::string description;  // of the policy as it was here
    sim::Summary summary;
    // Makespan and mean JCT over the shortest of all baselines that did every job, of this workload
    // and seed; nullopt if not comparable.
    std::optional<double> makespan_over_best_baseline;
    std::optional<double> mean_jct_over_best_baseline;
  };

  std::string title;
  std::string version;
  std::vector<std::string> command;  // argv
  // What workloads may differ in, e.g. "trace", "cluster"; one of them may be "load".
  std::vector<std::string> fields;
  std::vector<std::vector<std::string>> workloads;  // a value for each field
  std::vector<Policy> policies;
  std::vector<Run> runs;
};

}  // namespace flexmig::report
