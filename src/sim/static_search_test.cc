#include "static_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using testing::HasSubstr;

PolicyRun Best(const std::vector<Line>& lines, const Setting& setting) {
  const SchemeContext context = setting.Context();
  const auto workload =
      MakeWorkload(Records(lines), Board(), setting.gpus, context.speeds, setting.workload);
  EXPECT_TRUE(workload.ok());
  auto run = RunPolicy("static:best", *workload, context, setting.queue);
  EXPECT_TRUE(run.ok()) << run.status().ToString();
  return *std::move(run);
}

TEST(StaticSearchTest, OneSizeOfJobGetsItsLayout) {
  Setting setting;
  setting.speed.oversize = Oversize::kSame;
  const PolicyRun run = Best(std::vector<Line>(14, {0, 100, 14}), setting);
  EXPECT_THAT(run.description, HasSubstr("1 x (7 x 1g.5gb)"));
  EXPECT_EQ(run.summary.policy, "static:best");
  EXPECT_EQ(run.summary.makespan, std::chrono::seconds(200));
}

// No layout on all GPUs takes both sizes without waste; the mix by demand does.
TEST(StaticSearchTest, MixFollowsDemand) {
  Setting setting;
  setting.gpus = 3;
  setting.speed.oversize = Oversize::kSame;
  std::vector<Line> lines(2, {0, 100, 100});
  lines.insert(lines.end(), 7, {0, 100, 14});
  const PolicyRun run = Best(lines, setting);
  EXPECT_EQ(run.summary.makespan, std::chrono::seconds(100));
  EXPECT_THAT(run.description, HasSubstr("2 x (1 x 7g.40gb), 1 x (7 x 1g.5gb)"));
}

TEST(StaticSearchTest, IsAtLeastAsGoodAsEveryUniformLayout) {
  SplitMix64 random(7);
  for (int round = 0; round < 5; ++round) {
    Setting setting;
    setting.gpus = 1 + static_cast<int>(random.NextBelow(6));
    std::vector<Line> lines;
    for (int i = 0; i < 60; ++i) {
      lines.push_back({i * 5, 20 + static_cast<int>(random.NextBelow(200)),
                       1 + static_cast<int>(random.NextBelow(round < 3 ? 57 : 100))});
    }
    const Summary best = Best(lines, setting).summary;
    for (const char* layout : {"7g.40gb", "4g.20gb+3g.20gb", "2x3g.20gb", "3x2g.10gb+1g.5gb",
                               "7x1g.5gb", "4g.20gb+2g.10gb+1g.5gb"}) {
      const Summary one = Play(StrCat("static:", layout), lines, setting).summary;
      EXPECT_LE(std::tuple(best.jobs_left_out, best.makespan),
                std::tuple(one.jobs_left_out, one.makespan))
          << layout;
    }
  }
}

TEST(StaticSearchTest, JobsThatSpanGpusGetWholeOnes) {
  Setting setting;
  setting.gpus = 4;
  std::vector<Line> lines(2, {0, 100, 200});
  lines.insert(lines.end(), 8, {0, 50, 14});
  EXPECT_EQ(Best(lines, setting).summary.jobs_left_out, 0);
}

}  // namespace
}  // namespace flexmig::sim
