#include "thresholds.h"

#include <vector>

#include <gtest/gtest.h>

namespace flexmig::perf {
namespace {

using Range = TunedThresholds::Range;

// Sizes 1, 2, 4, 8, ... with these times.
std::vector<AlgorithmTimes> Times(const std::vector<std::vector<double>>& rows) {
  std::vector<AlgorithmTimes> times;
  uint64_t bytes = 1;
  for (const auto& row : rows) {
    times.push_back({bytes, row[0], row[1], row[2], row[3]});
    bytes *= 2;
  }
  return times;
}

TEST(FitThresholdsTest, NothingMeasuredSelectsNothing) {
  EXPECT_EQ(FitThresholds({}), TunedThresholds());
  const AlgorithmTimes only_staged{1024, AlgorithmTimes::kNotMeasured, 5};
  EXPECT_EQ(FitThresholds({&only_staged, 1}), TunedThresholds());
}

TEST(FitThresholdsTest, EachAlgorithmHasItsRange) {
  const auto fit = FitThresholds(Times(
      {{1, 2, 3, 2}, {2, 3, 3, 2}, {5, 4, 4, 3}, {9, 6, 5, 4}, {19, 9, 7, 6}, {40, 12, 13, 8}}));
  EXPECT_EQ(fit.small_end, 2u);
  EXPECT_EQ(fit.pulled, (Range{8, 16}));
  EXPECT_EQ(fit.shared_begin, 2u);
}

TEST(FitThresholdsTest, SmallWinsTiesWithinFivePercent) {
  EXPECT_EQ(FitThresholds(Times({{104, 100, 200, 900}, {104, 200, 100, 900}})).small_end, 2u);
  EXPECT_EQ(FitThresholds(Times({{106, 100, 200, 900}, {104, 200, 100, 900}})).small_end, 0u);
  EXPECT_EQ(FitThresholds(Times({{104, 100, 200, 900}, {106, 200, 100, 900}})).small_end, 1u);
}

TEST(FitThresholdsTest, SmallEndsAtItsFirstGap) {
  const auto fit =
      FitThresholds(Times({{1, 2, 2, 9}, {1, 2, 2, 9}, {3, 2, 2, 9}, {1, 2, 2, 9}, {1, 2, 2, 9}}));
  EXPECT_EQ(fit.small_end, 2u);
}

TEST(FitThresholdsTest, PulledNeedsMoreThanFivePercent) {
  EXPECT_EQ(FitThresholds(Times({{900, 100, 96, 900}})).pulled, std::nullopt);
  EXPECT_EQ(FitThresholds(Times({{900, 100, 95, 900}})).pulled, (Range{1, 1}));
}

TEST(FitThresholdsTest, TheLongestRunOfPulledSizesCounts) {
  const auto fit = FitThresholds(Times({{9, 5, 4, 9},
                                        {9, 5, 6, 9},
                                        {9, 5, 4, 9},
                                        {9, 5, 4, 9},
                                        {9, 5, 4, 9},
                                        {9, 5, 6, 9},
                                        {9, 5, 4, 9}}));
  EXPECT_EQ(fit.pulled, (Range{4, 16}));
}

TEST(FitThresholdsTest, NoSizesLieBetweenSmallAndPulled) {
  const auto fit = FitThresholds(Times({{1, 5, 4, 9}, {1, 5, 4, 9}, {9, 5, 4, 9}, {9, 5, 6, 9}}));
  EXPECT_EQ(fit.small_end, 2u);
  EXPECT_EQ(fit.pulled, (Range{3, 4}));
}

TEST(FitThresholdsTest, SmallSizesAreNotPulledAsWell) {
  const auto fit = FitThresholds(Times({{1, 9, 1, 9}, {1, 9, 1, 9}}));
  EXPECT_EQ(fit.small_end, 2u);
  EXPECT_EQ(fit.pulled, std::nullopt);
}

TEST(FitThresholdsTest, SharedBeginsWhereItStaysAsGood) {
  EXPECT_EQ(FitThresholds(Times({{1, 9, 9, 1}, {1, 9, 9, 1}})).shared_begin, 0u);
  EXPECT_EQ(FitThresholds(Times({{1, 9, 9, 1}, {1, 9, 9, 2}, {5, 9, 9, 5.2}})).shared_begin, 4u);
  EXPECT_EQ(FitThresholds(Times({{1, 9, 9, 1}, {1, 9, 9, 2}})).shared_begin, std::nullopt);
}

TEST(SelectionLineTest, HasTheFieldsInTheirOrder) {
  EXPECT_EQ(
      SelectionLine("all_reduce", 4, false, {16384, Range{20000, 8388608}, 0}),
      "all_reduce          4 roomy           16384         20000     8388608             0\n");
  EXPECT_EQ(
      SelectionLine("reduce_scatter", 64, true, {}),
      "reduce_scatter     64 crowded             0             -           -             -\n");
}

}  // namespace
}  // namespace flexmig::perf
