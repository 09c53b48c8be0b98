#include "flexmig/sweep/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::sweep {
namespace {

using testing::HasSubstr;

class CompareTest : public testing::Test {
 protected:
  void Add(const std::string& policy, uint64_t seed, int makespan_s, double jct_s,
           int64_t left_out = 0) {
    Setting setting;
    setting.trace = "dir/t.csv";
    setting.model = "a100-40";
    setting.cluster = "8";
    setting.load = "1.3";
    setting.policy = policy;
    setting.seed = seed;
    if (UsesLeaves(policy)) setting.communication = "0.9";
    if (Reconfigures(policy)) setting.costs = costs_;
    RunResult result;
    result.summary.policy = policy;
    result.summary.role = UsesLeaves(policy)      ? sim::Role::kFlexmig
                          : policy == "whole-gpu" ? sim::Role::kReference
                                                  : sim::Role::kBaseline;
    result.summary.makespan = std::chrono::seconds(makespan_s);
    result.summary.mean_jct_s = jct_s;
    result.summary.jobs_left_out = left_out;
    results_[setting] = result;
  }
  Row RowOf(const std::string& policy) {
    for (const Row& row : Compare(results_)) {
      if (row.setting.policy == policy) return row;
    }
    ADD_FAILURE() << policy;
    return {};
  }

  std::string costs_;
  Results results_;
};

TEST_F(CompareTest, RatiosAreTakenSeedBySeedAgainstTheBestOfThatSeed) {
  Add("exclusive", 1, 100, 50);
  Add("static:best", 1, 120, 40);
  Add("exclusive", 2, 300, 80);
  Add("static:best", 2, 200, 60);
  Add("flexmig", 1, 90, 30);
  Add("flexmig", 2, 210, 60);
  const Row ours = RowOf("flexmig");
  EXPECT_DOUBLE_EQ(ours.makespan_ratio.mean, (0.9 + 1.05) / 2);
  EXPECT_DOUBLE_EQ(ours.makespan_ratio.least, 0.9);
  EXPECT_DOUBLE_EQ(ours.makespan_ratio.most, 1.05);
  EXPECT_DOUBLE_EQ(ours.jct_ratio.mean, (0.75 + 1) / 2);
  EXPECT_EQ(ours.makespan_s.mean, 150);
  EXPECT_EQ(ours.best_baseline, "exclusive") << "one seed each: by name";
  EXPECT_DOUBLE_EQ(RowOf("exclusive").makespan_ratio.most, 1.5);
}

TEST_F(CompareTest, BaselinesThatLeaveJobsOutDoNotCount) {
  Add("exclusive", 1, 100, 50);
  Add("static:7x1g.5gb", 1, 10, 5, /*left_out=*/3);
  Add("whole-gpu", 1, 1, 1);
  Add("flexmig", 1, 90, 30);
  EXPECT_DOUBLE_EQ(RowOf("flexmig").makespan_ratio.mean, 0.9);
  EXPECT_EQ(RowOf("static:7x1g.5gb").makespan_ratio.count, 0);
  EXPECT_EQ(RowOf("static:7x1g.5gb").left_out, 3);
  EXPECT_EQ(RowOf("whole-gpu").makespan_ratio.count, 0);
}

TEST_F(CompareTest, EveryCostIsAComparisonOfItsOwn) {
  costs_ = "cheap";
  Add("dynamic-drain", 1, 80, 40);
  costs_ = "dear";
  Add("dynamic-drain", 1, 160, 80);
  Add("exclusive", 1, 100, 50);
  Add("flexmig", 1, 90, 45);
  const auto rows = Compare(results_);
  ASSERT_EQ(rows.size(), 6u);
  std::map<std::string, double> ratios;
  for (const Row& row : rows) {
    if (row.setting.policy == "flexmig") ratios[row.workload.costs] = row.makespan_ratio.mean;
  }
  EXPECT_DOUBLE_EQ(ratios["cheap"], 90.0 / 80);
  EXPECT_DOUBLE_EQ(ratios["dear"], 0.9);
}

TEST_F(CompareTest, TracesAreNamedWithoutTheirFolders) {
  EXPECT_EQ(TraceName("a/b.csv/c.csv.gz"), "c.csv.gz");
  EXPECT_EQ(TraceName("c.csv"), "c.csv");
  EXPECT_EQ(TraceName("generate:jobs=9,sizes=0.14:1/1:2"), "generate:jobs=9,sizes=0.14:1/1:2");
}

TEST_F(CompareTest, RowsKnowTheirRuns) {
  Add("exclusive", 2, 300, 80);
  Add("exclusive", 1, 100, 50);
  Add("flexmig", 1, 90, 30);
  Add("flexmig", 2, 330, 40, /*left_out=*/1);
  const Row ours = RowOf("flexmig");
  ASSERT_EQ(ours.runs.size(), 2u);
  EXPECT_EQ(ours.runs[0].seed, 1u);
  EXPECT_EQ(ours.runs[0].result->summary.mean_jct_s, 30);
  EXPECT_DOUBLE_EQ(ours.runs[0].makespan_ratio.value(), 0.9);
  EXPECT_DOUBLE_EQ(ours.runs[0].jct_ratio.value(), 0.6);
  EXPECT_EQ(ours.runs[1].result->summary.makespan, std::chrono::seconds(330));
  EXPECT_FALSE(ours.runs[1].makespan_ratio.has_value()) << "other jobs than the baseline's";
}

TEST_F(CompareTest, LossesAreBold) {
  Add("exclusive", 1, 100, 50);
  Add("flexmig", 1, 110, 40);
  const std::string text = RenderMarkdown(Compare(results_));
  EXPECT_THAT(text, HasSubstr("### t.csv, 8 x a100-40, load 1.3\n"));
  EXPECT_THAT(text, HasSubstr("| flexmig, comm 0.9 | 110 | **1.100** | 40 | 0.800 |"));
  EXPECT_THAT(text, HasSubstr("x best baseline (exclusive)"));
}

TEST_F(CompareTest, CsvHasALineARow) {
  Add("exclusive", 1, 100, 50);
  Add("flexmig", 1, 110, 40);
  const std::string text = RenderCsv(Compare(results_));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, HasSubstr("\ndir/t.csv,a100-40,8,,,,,1.3,,,,,flexmig,0.9,,1,110,1.1,1.1,1.1,"));
}

}  // namespace
}  // namespace flexmig::sweep
