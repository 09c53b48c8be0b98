#include "flexmig/arrival/policy.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "arrival_for_test.h"

namespace flexmig::arrival {
namespace {

// The largest node has 128 cores and 8 GPUs, as in openb.
class PolicyTest : public testing::Test {
 protected:
  [[nodiscard]] int Score(std::string_view policy, const NodeState& node, size_t pod) const {
    return (*MakePolicy(policy, setting_, fragmentation_))->Score(node, demand(pod));
  }
  [[nodiscard]] int Gpu(std::string_view policy, const NodeState& node, size_t pod,
                        uint64_t seed = 1) const {
    SplitMix64 random(seed);
    return (*MakePolicy(policy, setting_, fragmentation_))->ChooseGpu(node, demand(pod), random);
  }
  [[nodiscard]] const PodDemand& demand(size_t pod) const {
    return setting_.demands[static_cast<size_t>(setting_.pods[pod])];
  }

  enum : size_t { kOne, kShare, kTwo, kNone };
  Setting setting_ = *MakeSetting(
      std::vector{Node(128, 512, 8, "T4"), Node(64, 256, 2, "T4")},
      std::vector{Pod(64, 1, 1, 1000), Pod(8, 1, 1, 400), Pod(8, 1, 2, 1000), Pod(8, 1, 0, 0)});
  Fragmentation fragmentation_{setting_};
  NodeState large_ = setting_.nodes[0];
  NodeState small_ = setting_.nodes[1];
};

TEST_F(PolicyTest, BestFitCountsWhatWouldBeLeft) {
  EXPECT_EQ(Score("best-fit", large_, kOne), 31);   // 100 (1 - (1/2 + 7/8) / 2) = 31.25
  EXPECT_EQ(Score("best-fit", small_, kOne), 93);   // 100 (1 - (0 + 1/8) / 2) = 93.75
  EXPECT_EQ(Score("best-fit", small_, kNone), 65);  // 100 (1 - (56/128 + 2/8) / 2) = 65.6
}

TEST_F(PolicyTest, DotProductPrefersUnlikeNodes) {
  EXPECT_EQ(Score("dot-product", large_, kOne), 68);  // 100 (1 - (1/2 + 1/8) / 2) = 68.75
  EXPECT_EQ(Score("dot-product", small_, kOne), 85);  // 100 (1 - (1/4 + 1/32) / 2) = 85.9
}

TEST_F(PolicyTest, ClusteringKeepsKindsTogether) {
  EXPECT_EQ(Score("clustering", large_, kOne), 25);  // empty
  NodeState node = large_;
  Place(node, demand(kOne), 0);
  EXPECT_EQ(Score("clustering", node, kOne), 75 + 25 * 1000 / 8000);
  EXPECT_EQ(Score("clustering", node, kShare), 3) << "others only";
  Place(node, demand(kShare), 1);
  EXPECT_EQ(Score("clustering", node, kOne), 50 + 25 * 1400 / 8000);
  EXPECT_EQ(Score("clustering", node, kTwo), 4);
  EXPECT_EQ(Score("clustering", node, kNone), 0);
}

TEST_F(PolicyTest, PackingOpensNeitherNodesNorGpusWithoutNeed) {
  EXPECT_EQ(Score("packing", large_, kOne), 33 - 8);
  EXPECT_EQ(Score("packing", small_, kOne), 33 - 2);
  NodeState node = large_;
  Place(node, demand(kShare), 0);
  EXPECT_EQ(Score("packing", node, kTwo), 50 - 2);
  EXPECT_EQ(Score("packing", node, kShare), 100 - 6) << "600 are left of the GPU in use";
  EXPECT_EQ(Score("packing", node, kNone), 0);
}

TEST_F(PolicyTest, FgdScoresTheChangeOfFragmentation) {
  // A pod without GPU leaves CPU for all the others: no change is the middle.
  EXPECT_EQ(Score("fgd", large_, kNone), 50);
  // The four pods count alike, and the one without GPU can use no GPU. Before: 8000 / 4. After a
  // share of 400 is taken: 600 are too little for kOne and kTwo, and all 7600 for the pod without
  // GPU.
  const double grown = (7600 + 2 * 600 - 8000) / 4.0 / 1000;
  EXPECT_EQ(Score("fgd", large_, kShare), static_cast<int>(100 / (1 + std::exp(grown))));
  // Taking the last of a GPU that is in use is better than opening another.
  NodeState node = large_;
  Place(node, demand(kShare), 3);
  node.gpu_milli[3] = 400;
  EXPECT_EQ(Gpu("fgd", node, kShare), 3);
}

TEST_F(PolicyTest, SharesGoToTheGpuWithTheLeastThatIsEnough) {
  NodeState node = large_;
  node.gpu_milli = {1000, 399, 700, 400, 400, 1000, 1000, 1000};
  for (const std::string_view policy : {"dot-product", "clustering", "packing", "best-fit"}) {
    EXPECT_EQ(Gpu(policy, node, kShare), 3) << policy;
  }
  std::set<int> drawn;
  for (uint64_t seed = 0; seed < 200; ++seed) drawn.insert(Gpu("random", node, kShare, seed));
  EXPECT_EQ(drawn, (std::set<int>{0, 2, 3, 4, 5, 6, 7}));
}

TEST_F(PolicyTest, EveryPolicyIsMadeByItsName) {
  for (const std::string_view name : PolicyNames()) {
    EXPECT_EQ((*MakePolicy(name, setting_, fragmentation_))->name(), name);
  }
  EXPECT_EQ(MakePolicy("best", setting_, fragmentation_).status().message(),
            "no arrival policy 'best'; there are random, dot-product, clustering, packing, "
            "best-fit, fgd");
}

}  // namespace
}  // namespace flexmig::arrival
