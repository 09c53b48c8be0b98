#include "statistics.h"

#include <vector>

#include <gtest/gtest.h>

namespace flexmig::perf {
namespace {

TEST(StatisticsTest, OneSampleIsEverything) {
  std::vector<double> samples = {7};
  const Summary summary = Summarize(samples);
  EXPECT_EQ(summary.min, 7);
  EXPECT_EQ(summary.median, 7);
  EXPECT_EQ(summary.p99, 7);
}

TEST(StatisticsTest, OrderDoesNotMatter) {
  std::vector<double> samples = {5, 1, 4, 2, 3};
  const Summary summary = Summarize(samples);
  EXPECT_EQ(summary.min, 1);
  EXPECT_EQ(summary.median, 3);
  EXPECT_EQ(summary.p99, 5);
}

TEST(StatisticsTest, MedianOfAnEvenNumberIsBetweenTheMiddleTwo) {
  std::vector<double> samples = {4, 1, 3, 2};
  EXPECT_EQ(Summarize(samples).median, 2.5);
}

TEST(StatisticsTest, PercentileIsTheNearestRank) {
  std::vector<double> hundred;
  for (int i = 100; i >= 1; --i) hundred.push_back(i);
  EXPECT_EQ(Summarize(hundred).p99, 99);
  hundred.push_back(101);
  EXPECT_EQ(Summarize(hundred).p99, 100);  // 99 % of 101 is 99.99, rounded up to the 100th
}

TEST(StatisticsTest, NothingGivesZeros) {
  EXPECT_EQ(Summarize({}).median, 0);
  EXPECT_EQ(GeometricMean({}), 0);
}

TEST(StatisticsTest, GeometricMeanOfAFactorAndItsInverseIsOne) {
  const std::vector<double> values = {4, 0.25};
  EXPECT_DOUBLE_EQ(GeometricMean(values), 1);
  const std::vector<double> more = {2, 4, 8};
  EXPECT_DOUBLE_EQ(GeometricMean(more), 4);
}

}  // namespace
}  // namespace flexmig::perf
