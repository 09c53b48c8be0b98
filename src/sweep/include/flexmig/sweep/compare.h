#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/sweep/results_file.h"

namespace flexmig::sweep {

// A figure over the seeds of one setting.
struct Spread {
  double mean = 0;
  double least = 0;
  double most = 0;
  int count = 0;  // of seeds; all else is 0 if that is

  static Spread Of(const std::vector<double>& values);
};

// One run of a row, and what it is of the best baseline's with that seed: see Row.
struct SeedRun {
  uint64_t seed = 0;
  const RunResult* result = nullptr;  // in the results that were compared
  std::optional<double> makespan_ratio;
  std::optional<double> jct_ratio;
};

// One policy on one workload, against the baselines there.
struct Row {
  Setting workload;  // see WorkloadOf; and the costs of its baselines
  Setting setting;   // with the policy and what it depends on; seed 0
  sim::Role role = sim::Role::kReference;
  Spread makespan_s;
  Spread mean_jct_s;
  Spread mean_wait_s;
  Spread held_utilisation;
  Spread asked_utilisation;
  int64_t left_out = 0;  // the most jobs in any seed
  // Seed by seed, this policy's makespan, or mean JCT, over the shortest one of all baselines that
  // did every job; only seeds in which it did so itself.
  Spread makespan_ratio;
  Spread jct_ratio;
  std::vector<SeedRun> runs;  // by seed
  std::string best_baseline;  // that was the shortest in most seeds, the first by name of several
};

// What workloads can differ in, as columns name it.
struct WorkloadField {
  std::string_view name;
  std::string Setting::*value;
};
std::span<const WorkloadField> WorkloadFields();

// A trace without its folders; what is generated as it is.
std::string TraceName(const std::string& trace);

// Rows by workload and costs, in the order of settings; within one, baselines first. They point
// into `results`, which has to outlive them.
std::vector<Row> Compare(const Results& results);

// The rows as a table of Markdown. Losses, a ratio above 1 of a row that is Flex-MIG's, are bold.
std::string RenderMarkdown(const std::vector<Row>& rows);
// One line a row, with all figures (docs/formats/sweep-results.md).
std::string RenderCsv(const std::vector<Row>& rows);

}  // namespace flexmig::sweep
