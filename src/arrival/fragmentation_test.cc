#include "flexmig/arrival/fragmentation.h"

#include <gtest/gtest.h>

#include "arrival_for_test.h"

namespace flexmig::arrival {
namespace {

// The definition, word for word.
int64_t ByDefinition(const NodeState& node, const Fragmentation& fragmentation,
                     int64_t weight_without_gpu) {
  int64_t sum = weight_without_gpu * node.total_gpu_milli();
  for (const Fragmentation::Usual& usual : fragmentation.usual()) {
    PodDemand demand = usual.demand;
    demand.memory_mib = 0;
    int64_t unusable = 0;
    for (const int left : node.gpus()) {
      if (!Fits(node, demand) || left < demand.gpu_milli) unusable += left;
    }
    sum += usual.count * unusable;
  }
  return sum;
}

TEST(FragmentationTest, AgreesWithItsDefinition) {
  SplitMix64 random(5);
  for (int round = 0; round < 30; ++round) {
    const Setting setting = RandomSetting(6, random);
    const Fragmentation fragmentation(setting);
    int64_t with_gpu = 0;
    for (const auto& usual : fragmentation.usual()) with_gpu += usual.count;
    for (NodeState node : setting.nodes) {
      for (int step = 0; step < 12; ++step) {
        EXPECT_EQ(fragmentation.Weighted(node),
                  ByDefinition(node, fragmentation, fragmentation.weight() - with_gpu));
        const PodDemand& demand = setting.demands[random.NextBelow(setting.demands.size())];
        if (!Fits(node, demand)) continue;
        int gpu = 0;
        while (demand.shares_gpu() && node.gpu_milli[static_cast<size_t>(gpu)] < demand.gpu_milli)
          ++gpu;
        Place(node, demand, gpu);
      }
    }
  }
}

TEST(FragmentationTest, RarePodsDoNotCount) {
  // 95 of 100 are of two kinds; the other five would each be a kind of its own.
  std::vector<trace::OpenbPod> pods(60, Pod(1, 1, 1, 500));
  for (int i = 0; i < 35; ++i) pods.push_back(Pod(2, i + 1, 1, 1000));  // memory makes no kind
  for (int i = 0; i < 5; ++i) pods.push_back(Pod(3 + i, 1, 1, 100));
  const auto setting = MakeSetting(std::vector{Node(16, 64, 2, "T4")}, pods);
  const Fragmentation fragmentation(*setting);
  ASSERT_EQ(fragmentation.usual().size(), 2U);
  EXPECT_EQ(fragmentation.usual()[0].count, 60);
  EXPECT_EQ(fragmentation.usual()[1].count, 35);
  EXPECT_EQ(fragmentation.weight(), 95);
}

TEST(FragmentationTest, AnExampleByHand) {
  // Half of the pods share (500), a quarter wants a GPU, a quarter none.
  std::vector<trace::OpenbPod> pods = {Pod(1, 1, 1, 500), Pod(1, 1, 1, 500), Pod(1, 1, 1, 1000),
                                       Pod(1, 1, 0, 0)};
  const auto setting = MakeSetting(std::vector{Node(16, 64, 2, "T4")}, pods);
  const Fragmentation fragmentation(*setting);
  NodeState node = setting->nodes[0];
  // Only the pod without GPU finds nothing to use.
  EXPECT_EQ(fragmentation.Weighted(node), 1 * 2000);
  // 400 and 1000 left: 400 is too little for all, 1000 does for three of four.
  node.gpu_milli[0] = 400;
  EXPECT_EQ(fragmentation.Weighted(node), 2 * 400 + 1 * 400 + 1 * 1400);
  // Without CPU all that is left is lost.
  node.cpu_milli = 999;
  EXPECT_EQ(fragmentation.Weighted(node), 4 * 1400);
  node.gpu_milli = {};
  EXPECT_EQ(fragmentation.Weighted(node), 0);
}

}  // namespace
}  // namespace flexmig::arrival
