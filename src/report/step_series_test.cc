#include "flexmig/report/step_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace flexmig::report {
namespace {

Sample At(int64_t microseconds, std::initializer_list<double> values) {
  Sample sample{sched::TimePoint(sched::Duration(microseconds)), {}};
  std::copy(values.begin(), values.end(), sample.values.begin());
  return sample;
}

TEST(StepSeriesTest, KeepsEverySampleUpToTheLimit) {
  StepSeries series(StepSeries::kMinLimit);
  std::vector<Sample> all;
  for (int i = 0; i < static_cast<int>(StepSeries::kMinLimit); ++i) {
    all.push_back(At(10 * i, {static_cast<double>(i * i), static_cast<double>(-i)}));
    series.Add(all.back());
  }
  series.End();
  EXPECT_EQ(series.samples(), all);
  EXPECT_EQ(series.window(), sched::Duration(0));
}

TEST(StepSeriesTest, LeavesOutWhatSaysNothingNewButTheLast) {
  StepSeries series(100);
  for (const Sample& sample : {At(0, {1}), At(5, {1}), At(6, {2}), At(7, {2}), At(9, {2})}) {
    series.Add(sample);
  }
  series.End();
  EXPECT_THAT(series.samples(), testing::ElementsAre(At(0, {1}), At(6, {2}), At(9, {2})));
}

TEST(StepSeriesTest, OnePeakAmongAHundredThousandStays) {
  StepSeries series(200);
  for (int i = 0; i < 100'000; ++i) {
    series.Add(At(i, {i == 54'321 ? 1e9 : static_cast<double>(i % 7)}));
  }
  series.End();
  EXPECT_LE(series.samples().size(), 200U);
  EXPECT_THAT(series.samples(), testing::Contains(At(54'321, {1e9})));
}

// The rule, by its own words, on all samples at once.
std::vector<Sample> Reference(const std::vector<Sample>& all, sched::Duration window) {
  std::vector<Sample> kept;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto window_of = [&](size_t j) { return (all[j].time - all[0].time) / window; };
    bool first = i == 0 || window_of(i - 1) != window_of(i);
    bool last = i + 1 == all.size() || window_of(i + 1) != window_of(i);
    bool extreme = false;
    for (size_t q = 0; q < kQuantities; ++q) {
      bool least = true;
      bool largest = true;
      for (size_t j = 0; j < all.size(); ++j) {
        if (window_of(j) != window_of(i)) continue;
        const double a = all[j].values[q];
        const double b = all[i].values[q];
        if (a < b || (a == b && j < i)) least = false;
        if (a > b || (a == b && j < i)) largest = false;
      }
      extreme = extreme || least || largest;
    }
    if (first || last || extreme) kept.push_back(all[i]);
  }
  return kept;
}

TEST(StepSeriesTest, AgreesWithTheRuleAppliedToAllSamplesAtOnce) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SplitMix64 random(seed);
    StepSeries series(40);
    std::vector<Sample> all;
    int64_t time = 1000;
    for (int i = 0; i < 300; ++i) {
      Sample sample = At(time, {});
      for (double& value : sample.values) value = static_cast<double>(random.Next() % 9);
      all.push_back(sample);
      series.Add(sample);
      time += 1 + static_cast<int64_t>(random.Next() % (i % 100 == 0 ? 5000 : 20));
    }
    series.End();
    ASSERT_LE(series.samples().size(), 40U);
    EXPECT_EQ(series.samples(), Reference(all, series.window())) << "seed " << seed;
  }
}

}  // namespace
}  // namespace flexmig::report
