#include "flexmig/sim/summary.h"

#include <gtest/gtest.h>

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

TEST(SummaryTest, PercentilesAreByNearestRank) {
  // Nobody waits: completion times are 1 to 21 s.
  Setting many;
  many.gpus = 30;
  std::vector<Line> lines;
  for (int i = 21; i >= 1; --i) lines.push_back({0, i, 100});
  const Played played = Play("whole-gpu", lines, many);
  EXPECT_EQ(played.summary.median_jct, 11s);
  EXPECT_EQ(played.summary.p95_jct, 20s);  // 0.95 * 21 = 19.95: the 20th
  EXPECT_DOUBLE_EQ(played.summary.mean_jct_s, 11);
  EXPECT_EQ(played.summary.mean_wait_s, 0);
  EXPECT_EQ(Play("whole-gpu", {{5, 7, 100}}).summary.p95_jct, 7s);
}

TEST(SummaryTest, AWorkloadThatTakesNoTimeUsesNothing) {
  const Summary summary = Play("whole-gpu", {{5, 0, 100}}).summary;
  EXPECT_EQ(summary.jobs_done, 1);
  EXPECT_EQ(summary.makespan, 0s);
  EXPECT_EQ(summary.held_utilisation, 0);
}

TEST(SummaryTest, TheBestBaselineDidEveryJob) {
  const auto row = [](const char* policy, Role role, int left_out, std::chrono::seconds makespan) {
    Summary summary;
    summary.policy = policy;
    summary.role = role;
    summary.jobs_left_out = left_out;
    summary.makespan = makespan;
    return summary;
  };
  const Summary rows[] = {
      row("flexmig", Role::kFlexmig, 0, 10s), row("static:a", Role::kBaseline, 3, 20s),
      row("exclusive", Role::kBaseline, 0, 50s), row("dynamic-drain", Role::kBaseline, 0, 40s)};
  EXPECT_EQ(BestBaseline(rows)->policy, "dynamic-drain");
  EXPECT_EQ(BestBaseline({rows, 2}), nullptr);
}

}  // namespace
}  // namespace flexmig::sim
