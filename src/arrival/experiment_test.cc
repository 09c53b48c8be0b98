#include "flexmig/arrival/experiment.h"

#include <algorithm>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "arrival_for_test.h"

namespace flexmig::arrival {
namespace {

TEST(ArrivalOrderTest, TheWholeListComesFirstThenDraws) {
  SplitMix64 random(2);
  const Setting setting = RandomSetting(40, random);
  int64_t listed = 0;
  for (const int pod : setting.pods) {
    listed += setting.demands[static_cast<size_t>(pod)].total_gpu_milli();
  }
  const double demand = 3 * static_cast<double>(listed) / static_cast<double>(setting.gpu_milli);
  const auto order = ArrivalOrder(setting, demand, random);
  ASSERT_GT(order.size(), setting.pods.size());
  std::map<int, int> first;
  std::map<int, int> list;
  int64_t arrived = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i < setting.pods.size()) {
      ++first[order[i]];
      ++list[setting.pods[i]];
    }
    arrived += setting.demands[static_cast<size_t>(order[i])].total_gpu_milli();
  }
  EXPECT_EQ(first, list);
  EXPECT_LE(arrived, 3 * listed);
  EXPECT_GT(arrived, 3 * listed - 4 * kGpuMilli) << "the largest pod has three GPUs";
}

TEST(ExperimentTest, SeedsDecideEverything) {
  SplitMix64 random(4);
  const Setting setting = RandomSetting(40, random);
  const Fragmentation fragmentation(setting);
  const auto allocated = [&](uint64_t seed) {
    const auto policy = *MakePolicy("random", setting, fragmentation);
    const auto outcome = RunExperiment(setting, *policy, fragmentation, {seed, 1.3});
    std::vector<double> curve;
    for (const CurvePoint& point : outcome->curve) curve.push_back(point.allocated_percent);
    return curve;
  };
  EXPECT_EQ(allocated(1), allocated(1));
  EXPECT_NE(allocated(1), allocated(2));
}

TEST(ExperimentTest, ACurveStaysWithinItsBounds) {
  SplitMix64 random(4);
  for (int round = 0; round < 10; ++round) {
    const Setting setting = RandomSetting(30, random);
    const Fragmentation fragmentation(setting);
    for (const std::string_view name : PolicyNames()) {
      const auto policy = *MakePolicy(name, setting, fragmentation);
      const auto outcome = RunExperiment(setting, *policy, fragmentation, {7, 1.5});
      ASSERT_TRUE(outcome.ok());
      EXPECT_LE(outcome->placed, outcome->pods);
      EXPECT_LE(outcome->curve.size(), 151U);
      int64_t arrivals = 0;
      double last = 0;
      for (size_t percent = 0; percent < outcome->curve.size(); ++percent) {
        const CurvePoint& point = outcome->curve[percent];
        arrivals += point.arrivals;
        if (point.arrivals == 0) continue;
        EXPECT_GE(point.allocated_percent, last - 1e-9) << "nobody leaves";
        last = point.allocated_percent;
        EXPECT_LE(point.allocated_percent, std::min(100.0, static_cast<double>(percent) + 0.5));
        EXPECT_GE(point.fragmented_percent, 0);
        EXPECT_LE(point.fragmented_percent, 100);
      }
      EXPECT_EQ(arrivals, outcome->pods);
    }
  }
}

TEST(ExperimentTest, DemandsOutOfRangeAreRefused) {
  SplitMix64 random(4);
  const Setting setting = RandomSetting(3, random);
  const Fragmentation fragmentation(setting);
  const auto policy = *MakePolicy("packing", setting, fragmentation);
  for (const double demand : {0.0, -1.0, 10.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(RunExperiment(setting, *policy, fragmentation, {1, demand}).status().code(),
              StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace flexmig::arrival
