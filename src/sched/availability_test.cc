#include "flexmig/sched/availability.h"

#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace flexmig::sched {
namespace {

TimePoint At(int64_t micros) { return TimePoint(Duration(micros)); }

TEST(AvailabilityTest, AGapThatIsTooShortIsPassedOver) {
  Availability free(7);
  free.ForgetBefore(At(0));
  free.Add(At(0), At(10), -5);
  free.Add(At(20), At(30), -6);
  EXPECT_EQ(free.EarliestFit(At(0), Duration(10), 2), At(0));
  EXPECT_EQ(free.EarliestFit(At(0), Duration(10), 7), At(10));
  EXPECT_EQ(free.EarliestFit(At(0), Duration(11), 7), At(30));
  EXPECT_EQ(free.EarliestFit(At(0), kUnbounded, 2), At(30));
  EXPECT_EQ(free.EarliestFit(At(0), kUnbounded, 1), At(0));
  EXPECT_EQ(free.EarliestFit(At(25), Duration(0), 7), At(30));
  EXPECT_EQ(free.EarliestFit(At(0), Duration(1), 8), kNever);
}

TEST(AvailabilityTest, WhatIsTakenForEverIsNeverFree) {
  Availability free(7);
  free.Add(At(5), kNever, -3);
  EXPECT_EQ(free.At(At(4)), 7);
  EXPECT_EQ(free.At(At(5)), 4);
  EXPECT_EQ(free.EarliestFit(At(0), Duration(5), 5), At(0));
  EXPECT_EQ(free.EarliestFit(At(1), Duration(5), 5), kNever);
  free.Add(At(5), kNever, 3);
  EXPECT_EQ(free.steps(), 0U);
}

TEST(AvailabilityTest, RandomPlansAgreeWithAnArray) {
  constexpr int64_t kEnd = 120;
  SplitMix64 random(20261122);
  for (int round = 0; round < 300; ++round) {
    Availability free(10);
    free.ForgetBefore(At(0));
    std::vector<int64_t> plain(kEnd + 1, 10);  // the last stands for all that follows
    int64_t begin = 0;
    for (int step = 0; step < 60; ++step) {
      const auto from = begin + static_cast<int64_t>(random.NextBelow(60));
      const auto to = from + static_cast<int64_t>(random.NextBelow(40));
      const bool for_ever = random.NextBelow(10) == 0;
      const auto leaves = static_cast<int64_t>(random.NextBelow(9)) - 4;
      free.Add(At(from), for_ever ? kNever : At(to), leaves);
      for (int64_t t = from; t <= kEnd; ++t) {
        if (for_ever || t < to) plain[static_cast<size_t>(t)] += leaves;
      }
      if (random.NextBelow(20) == 0) {
        begin += static_cast<int64_t>(random.NextBelow(5));
        free.ForgetBefore(At(begin));
      }
      for (int64_t t = begin; t <= kEnd; ++t) {
        ASSERT_EQ(free.At(At(t)), plain[static_cast<size_t>(t)]);
      }
      const auto wanted = static_cast<int64_t>(random.NextBelow(14));
      const auto run = static_cast<int64_t>(random.NextBelow(30));
      const auto after = begin + static_cast<int64_t>(random.NextBelow(20));
      const auto fits = [&](int64_t t) {
        for (int64_t u = t; u < t + std::max<int64_t>(run, 1); ++u) {
          if (plain[static_cast<size_t>(std::min(u, kEnd))] < wanted) return false;
        }
        return true;
      };
      int64_t expected = after;
      while (expected <= kEnd && !fits(expected)) ++expected;
      ASSERT_EQ(free.EarliestFit(At(after), Duration(run), wanted),
                expected <= kEnd ? At(expected) : kNever);
    }
  }
}

}  // namespace
}  // namespace flexmig::sched
