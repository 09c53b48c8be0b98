#include "flexmig/arrival/cluster.h"

#include <gtest/gtest.h>

#include "arrival_for_test.h"

namespace flexmig::arrival {
namespace {

// One 8-GPU T4 node and one 2-GPU A10 node; demands in the order of the pods.
struct Fixture {
  explicit Fixture(const std::vector<trace::OpenbPod>& pods)
      : setting(*MakeSetting(std::vector{Node(16, 64, 8, "T4"), Node(16, 64, 2, "A10")}, pods)) {}
  [[nodiscard]] const PodDemand& demand(size_t pod) const {
    return setting.demands[static_cast<size_t>(setting.pods[pod])];
  }
  Setting setting;
};

TEST(ClusterTest, EqualDemandsAreOne) {
  const Fixture f({Pod(1, 1, 1, 500), Pod(2, 1, 1, 500), Pod(1, 1, 1, 500)});
  EXPECT_EQ(f.setting.demands.size(), 2U);
  EXPECT_EQ(f.setting.pods[0], f.setting.pods[2]);
  EXPECT_EQ(f.setting.gpu_milli, 10'000);
  EXPECT_EQ(f.setting.most_gpu_milli, 8000);
  EXPECT_EQ(f.setting.most_cpu_milli, 16'000);
}

TEST(ClusterTest, EveryResourceHasToSuffice) {
  const Fixture f({Pod(16, 64, 8, 1000), Pod(17, 1, 0, 0), Pod(1, 65, 0, 0), Pod(1, 1, 3, 1000),
                   Pod(1, 1, 1, 10, {"A10", "V100"}), Pod(1, 1, 1, 10, {"V100"})});
  const NodeState& t4 = f.setting.nodes[0];
  const NodeState& a10 = f.setting.nodes[1];
  EXPECT_TRUE(Fits(t4, f.demand(0)));
  EXPECT_FALSE(Fits(a10, f.demand(0)));
  EXPECT_FALSE(Fits(t4, f.demand(1))) << "CPU";
  EXPECT_FALSE(Fits(t4, f.demand(2))) << "memory";
  EXPECT_FALSE(Fits(a10, f.demand(3))) << "GPUs";
  EXPECT_TRUE(Fits(a10, f.demand(4)));
  EXPECT_FALSE(Fits(t4, f.demand(4))) << "model";
  EXPECT_FALSE(Fits(a10, f.demand(5))) << "a model that no node has";
}

TEST(ClusterTest, PlacingTakesWhatWasAskedFor) {
  const Fixture f({Pod(3, 5, 1, 300), Pod(4, 6, 2, 1000), Pod(1, 2, 0, 0)});
  NodeState node = f.setting.nodes[0];
  Place(node, f.demand(0), 1);
  EXPECT_EQ(node.gpu_milli[1], 700);
  Place(node, f.demand(1), 0);
  EXPECT_EQ(node.gpu_milli[0], 0);
  EXPECT_EQ(node.gpu_milli[1], 700) << "GPUs in use are not taken whole";
  EXPECT_EQ(node.gpu_milli[2], 0);
  EXPECT_EQ(node.total_gpu_milli(), 5700);
  Place(node, f.demand(2), 0);
  EXPECT_EQ(node.cpu_milli, 8000);
  EXPECT_EQ(node.memory_mib, 51 * 1024);
  EXPECT_EQ(node.kinds, 0b101U);
  // Five whole GPUs are left, and a share of one.
  const Fixture wide({Pod(1, 1, 5, 1000), Pod(1, 1, 6, 1000), Pod(1, 1, 1, 700)});
  EXPECT_TRUE(Fits(node, wide.demand(0)));
  EXPECT_FALSE(Fits(node, wide.demand(1)));
  EXPECT_TRUE(Fits(node, wide.demand(2)));
}

TEST(ClusterTest, WhatTheModelCannotHoldIsRefused) {
  const std::vector<trace::OpenbPod> pods = {Pod(1, 1, 1, 500)};
  const auto refusal = [](const std::vector<trace::OpenbNode>& nodes,
                          const std::vector<trace::OpenbPod>& arriving) {
    return MakeSetting(nodes, arriving).status().message();
  };
  EXPECT_EQ(refusal({}, pods), "no node has a GPU");
  EXPECT_EQ(refusal({Node(1, 1, 0, "")}, pods), "no node has a GPU");
  EXPECT_EQ(refusal({Node(1, 1, 17, "T4")}, pods), "node n has 17 GPUs, at most 16");
  EXPECT_EQ(refusal({Node(1, 1, 1, "T4")}, {Pod(1, 1, 0, 0)}), "no pod wants a GPU");
  EXPECT_EQ(refusal({Node(1, 1, 2, "T4")}, {Pod(1, 1, 2, 500)}),
            "pod p wants 500 thousandths of each of 2 GPUs; shares are of one GPU only");
  std::vector<trace::OpenbNode> many;
  for (int i = 0; i <= kMaxModels; ++i) many.push_back(Node(1, 1, 1, std::to_string(i)));
  EXPECT_EQ(refusal(many, pods), "more than 63 GPU models");
}

}  // namespace
}  // namespace flexmig::arrival
