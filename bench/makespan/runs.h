#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/sweep/compare.h"
#include "flexmig/sweep/grid.h"
#include "flexmig/sweep/results_file.h"

namespace flexmig::makespan {

// One policy and what it depends on, in a word: "flexmig 0.95", "dynamic-drain".
struct Variant {
  std::string policy;
  std::string communication;             // empty for one-to-one policies
  std::string costs;                     // empty for the measured ones
  std::string allocation = "first-fit";  // of policies on leaves

  [[nodiscard]] sweep::Setting ToSetting() const;
};

enum class Metric { kMakespan, kJct, kWait, kHeld, kAsked };

// What a sweep has found, by workload.
class Runs {
 public:
  explicit Runs(sweep::Results results);

  // The settings without policy, in order.
  [[nodiscard]] const std::vector<sweep::Setting>& workloads() const { return workloads_; }

  // Seed by seed, a over b. Empty where one of them is missing.
  [[nodiscard]] sweep::Spread Ratio(const sweep::Setting& workload, const Variant& a,
                                    const Variant& b, Metric metric) const;
  // Seed by seed, a over the best one-to-one policy of that seed, with measured costs.
  [[nodiscard]] sweep::Spread RatioToBest(const sweep::Setting& workload, const Variant& a,
                                          Metric metric) const;
  // Over the seeds: seconds, or shares of the slices over the makespan.
  [[nodiscard]] sweep::Spread Of(const sweep::Setting& workload, const Variant& a,
                                 Metric metric) const;
  // The one-to-one policy that has the shortest makespan in most seeds, and its mean in hours.
  struct Best {
    std::string policy;
    double makespan_h = 0;
  };
  [[nodiscard]] Best BestOf(const sweep::Setting& workload) const;

 private:
  using BySeed = std::map<uint64_t, const sweep::RunResult*>;
  [[nodiscard]] const BySeed* Find(const sweep::Setting& workload, const Variant& variant) const;

  const sweep::Results results_;
  std::vector<sweep::Setting> workloads_;
  std::map<sweep::Setting, std::map<sweep::Setting, BySeed>> runs_;  // workload, variant
};

inline const std::vector<std::string>& OneToOnePolicies() {
  static const std::vector<std::string> policies = {"exclusive", "static:best", "dynamic-drain",
                                                    "dynamic-partial"};
  return policies;
}

// Workloads that differ in trace and sizes only.
struct Group {
  std::string title;  // "8 x a100-40, fifo, load 1.3, oversize same, multi-GPU jobs fit"
  std::vector<sweep::Setting> workloads;
};
std::vector<Group> GroupsOf(const Runs& runs);

// The file's name without folder and endings, and the mapping if sizes are drawn.
std::string TraceText(const sweep::Setting& workload);
// The geometric mean of positive numbers; 0 of none.
double GeometricMean(const std::vector<double>& values);

// Parts of pages, as Markdown: what all workloads say together; where the difference between
// dynamic-drain and flexmig-moldable comes from; a table for each group, a line for each trace.
std::string GlanceSection(const Runs& runs);
std::string AblationSection(const Runs& runs);
std::string WorkloadSections(const Runs& runs);

}  // namespace flexmig::makespan
