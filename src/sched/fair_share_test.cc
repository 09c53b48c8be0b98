#include "flexmig/sched/fair_share.h"

#include <cmath>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace flexmig::sched {
namespace {

TimePoint At(int64_t micros) { return TimePoint(Duration(micros)); }

TEST(FairShareTest, UsageHalvesWithEveryHalfLife) {
  FairShare share(Duration(6400));
  share.Hold(0, 10, At(0));
  share.Hold(0, -10, At(100));  // one step: 1000 leaf-us, and the first decay
  const auto one_step = static_cast<int64_t>(1000 * std::exp2(-1.0 / 64));
  EXPECT_NEAR(static_cast<double>(share.UsageOf(0, At(100))), static_cast<double>(one_step), 1);
  EXPECT_NEAR(static_cast<double>(share.UsageOf(0, At(6500))), one_step / 2.0, 2);
  EXPECT_NEAR(static_cast<double>(share.UsageOf(0, At(12900))), one_step / 4.0, 2);
  EXPECT_EQ(share.UsageOf(0, At(6400 * 70)), 0);
}

TEST(FairShareTest, AWeightDividesUsage) {
  FairShare share(Duration(64'000'000));
  share.SetWeight(1, 4);
  for (const int user : {0, 1}) share.Hold(user, 8, At(0));
  EXPECT_EQ(share.UsageOf(0, At(1000)), 8000);
  EXPECT_EQ(share.UsageOf(1, At(1000)), 2000);
  EXPECT_EQ(share.UsageOf(2, At(1000)), 0);
}

TEST(FairShareTest, UsageDoesNotDependOnHowOftenItIsAskedFor) {
  SplitMix64 random(20261122);
  for (int round = 0; round < 50; ++round) {
    FairShare asked(Duration(6400));
    FairShare quiet(Duration(6400));
    int64_t now = -5000;
    int held = 0;
    for (int step = 0; step < 40; ++step) {
      now += static_cast<int64_t>(random.NextBelow(3000));
      if (random.NextBelow(3) == 0) {
        const int leaves = held == 0 ? 7 : -held;
        held += leaves;
        asked.Hold(0, leaves, At(now));
        quiet.Hold(0, leaves, At(now));
      } else {
        static_cast<void>(asked.UsageOf(0, At(now)));
      }
    }
    ASSERT_EQ(asked.UsageOf(0, At(now)), quiet.UsageOf(0, At(now)));
  }
}

TEST(FairShareTest, SteadyUseComesToALimit) {
  FairShare share(Duration(6400));
  share.Hold(0, 7, At(0));
  // 7 leaves x half-life / ln 2, but for the steps
  EXPECT_NEAR(static_cast<double>(share.UsageOf(0, At(6400 * 1000))), 7 * 6400 / std::log(2.0),
              700);
}

TEST(FairShareTest, UsageStaysBelowTheEndOfTheRange) {
  FairShare share(std::chrono::hours(24 * 365 * 100));
  share.Hold(0, 1'000'000, At(0));
  EXPECT_EQ(share.UsageOf(0, At(int64_t{1} << 61)), int64_t{1} << 62);
}

}  // namespace
}  // namespace flexmig::sched
