#include "comparison_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::app {
namespace {

using testing::ElementsAre;

class ComparisonPageTest : public testing::Test {
 protected:
  void Add(const std::string& trace, const std::string& policy, const std::string& allocation,
           uint64_t seed, int makespan_s) {
    sweep::Setting setting;
    setting.trace = trace;
    setting.load = "1.3";
    setting.policy = policy;
    setting.seed = seed;
    setting.allocation = allocation;
    if (!allocation.empty()) setting.communication = "0.9";
    sweep::RunResult result;
    result.description = "as " + policy;
    result.summary.policy = policy;
    result.summary.role = allocation.empty() ? sim::Role::kBaseline : sim::Role::kFlexmig;
    result.summary.makespan = std::chrono::seconds(makespan_s);
    result.summary.mean_jct_s = makespan_s / 2.0;
    results_[setting] = result;
  }
  report::ComparisonData Page() {
    return ComparisonPage(sweep::Compare(results_), {"flexmig", "simulate", "compare"});
  }
  std::vector<std::string> Policies(const report::ComparisonData& data) {
    std::vector<std::string> names;
    for (const auto& policy : data.policies) names.push_back(policy.name);
    return names;
  }

  sweep::Results results_;
};

TEST_F(ComparisonPageTest, EveryRunIsThereWithItsRatio) {
  for (const char* trace : {"dir/a.csv", "dir/b.csv"}) {
    Add(trace, "exclusive", "", 1, 100);
    Add(trace, "exclusive", "", 2, 200);
    Add(trace, "flexmig", "topo", 1, 90);
    Add(trace, "flexmig", "topo", 2, 210);
  }
  const auto data = Page();
  EXPECT_THAT(Policies(data), ElementsAre("exclusive", "flexmig, comm 0.9"));
  EXPECT_EQ(data.title, "Policies on 2 workloads");
  ASSERT_EQ(data.workloads.size(), 2u);
  for (const auto& values : data.workloads) ASSERT_EQ(values.size(), data.fields.size());
  EXPECT_EQ(data.fields.front(), "trace");
  EXPECT_EQ(data.workloads[1].front(), "dir/b.csv");
  EXPECT_EQ(data.fields.back(), "alloc");
  EXPECT_EQ(data.workloads[0].back(), "topo");
  ASSERT_EQ(data.runs.size(), 8u);
  const auto& last = data.runs.back();
  EXPECT_EQ(last.workload, 1u);
  EXPECT_EQ(last.policy, 1u);
  EXPECT_EQ(last.seed, 2u);
  EXPECT_EQ(last.description, "as flexmig");
  EXPECT_DOUBLE_EQ(last.makespan_over_best_baseline.value(), 1.05);
  EXPECT_DOUBLE_EQ(last.mean_jct_over_best_baseline.value(), 1.05);
  EXPECT_FALSE(last.offered_load.has_value());
}

TEST_F(ComparisonPageTest, WaysToChooseLeavesTellPoliciesApart) {
  Add("dir/a.csv", "exclusive", "", 1, 100);
  Add("dir/a.csv", "flexmig", "pack", 1, 90);
  Add("dir/a.csv", "flexmig", "topo", 1, 80);
  const auto data = Page();
  EXPECT_THAT(Policies(data), ElementsAre("exclusive", "flexmig, comm 0.9, alloc pack",
                                          "flexmig, comm 0.9, alloc topo"));
  EXPECT_EQ(data.title, "Policies on a.csv");
}

}  // namespace
}  // namespace flexmig::app
