#pragma once

#include <string>
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
  std::string best_baseline;  // that was the shortest in most seeds, the first by name of several
};

// Rows by workload and costs, in the order of settings; within one, baselines first.
std::vector<Row> Compare(const Results& results);

// The rows as a table of Markdown. Losses, a ratio above 1 of a row that is Flex-MIG's, are bold.
std::string RenderMarkdown(const std::vector<Row>& rows);
// One line a row, with all figures (docs/formats/sweep-results.md).
std::string RenderCsv(const std::vector<Row>& rows);

}  // namespace flexmig::sweep
