#include "flexmig/report/window_series.h"

#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace flexmig::report {
namespace {

Quantities Value(double value) { return {value, -value}; }

TEST(WindowSeriesTest, WindowsGrowByDoublingUntilTheySuffice) {
  WindowSeries series(100, 4);
  series.Add(100, Value(1));
  series.Add(104, Value(3));
  EXPECT_EQ(series.width(), 1);
  series.Add(105, Value(5));
  EXPECT_EQ(series.width(), 2);
  series.End(108);
  ASSERT_EQ(series.windows().size(), 4U);
  EXPECT_EQ(series.windows()[2].Mean(0), 4) << "half of it 3, half 5";
  EXPECT_EQ(series.windows()[2].least[0], 3);
  EXPECT_EQ(series.windows()[2].largest[0], 5);
  EXPECT_EQ(series.windows()[2].least[1], -5);
}

TEST(WindowSeriesTest, LastWindowIsAveragedOverWhatItCovers) {
  WindowSeries series(0, 2);
  series.Add(0, Value(2));
  series.Add(6, Value(8));
  series.End(7);
  EXPECT_EQ(series.width(), 4);
  EXPECT_EQ(series.windows()[1].covered, 3);
  EXPECT_EQ(series.windows()[1].Mean(0), 4);
}

TEST(WindowSeriesTest, ValueThatIsReplacedAtOnceDoesNotCount) {
  WindowSeries series(0, 2);
  series.Add(0, Value(1000));
  series.Add(0, Value(1));
  series.End(2);
  EXPECT_EQ(series.windows()[0].largest[0], 1);
}

TEST(WindowSeriesTest, AgreesWithEachUnitCountedAlone) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SplitMix64 random(seed);
    WindowSeries series(-50, 5);
    std::vector<double> units;  // the value on [-50 + i, -50 + i + 1)
    for (int i = 0; i < 300; ++i) {
      const auto value = static_cast<double>(random.Next() % 100);
      series.Add(-50 + static_cast<int64_t>(units.size()), Value(value));
      units.insert(units.end(), random.Next() % 7, value);
    }
    series.End(-50 + static_cast<int64_t>(units.size()));
    const auto width = static_cast<size_t>(series.width());
    ASSERT_EQ(series.windows().size(), (units.size() + width - 1) / width);
    ASSERT_LE(series.windows().size(), 5U);
    for (size_t i = 0; i < series.windows().size(); ++i) {
      const size_t end = std::min(units.size(), (i + 1) * width);
      double sum = 0;
      double largest = 0;
      for (size_t unit = i * width; unit < end; ++unit) {
        sum += units[unit];
        largest = std::max(largest, units[unit]);
      }
      EXPECT_EQ(series.windows()[i].sum[0], sum);
      EXPECT_EQ(series.windows()[i].largest[0], largest);
    }
  }
}

}  // namespace
}  // namespace flexmig::report
