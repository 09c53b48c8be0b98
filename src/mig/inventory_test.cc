#include "flexmig/mig/inventory.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace flexmig::mig {
namespace {

TEST(NodeInventoryTest, UniformNodeKeepsItsInvariants) {
  const GpuModel& model = **FindGpuModel("a100-40");
  MigLayout layout = *UniformLayout(model, "1g.5gb");
  std::reverse(layout.begin(), layout.end());
  const NodeInventory node = NodeInventory::Uniform(model, 3, layout);
  ASSERT_EQ(node.gpus.size(), 3u);
  ASSERT_EQ(node.leaves.size(), 21u);
  std::set<MigUuid> uuids;
  for (int i = 0; i < 21; ++i) {
    const Leaf& leaf = node.leaves[static_cast<size_t>(i)];
    EXPECT_EQ(leaf.id, LeafId(i));
    EXPECT_EQ(leaf.gpu, GpuIndex(i / 7));
    EXPECT_EQ(leaf.placement.start, i % 7);
    EXPECT_EQ(leaf.profile->name, "1g.5gb");
    uuids.insert(leaf.uuid);
  }
  EXPECT_EQ(uuids.size(), 21u);
}

TEST(NodeInventoryTest, AClusterCountsGpusThroughAndSplitsThemOverNumaNodes) {
  const GpuModel& model = **FindGpuModel("a30");
  const NodeInventory cluster =
      NodeInventory::Cluster(model, {3, 4, 2}, *UniformLayout(model, "1g.6gb"));
  ASSERT_EQ(cluster.gpus.size(), 12u);
  ASSERT_EQ(cluster.leaves.size(), 48u);
  for (int gpu = 0; gpu < 12; ++gpu) {
    const InventoryGpu& here = cluster.gpus[static_cast<size_t>(gpu)];
    EXPECT_EQ(here.index, GpuIndex(gpu));
    EXPECT_EQ(here.node, NodeIndex(gpu / 4));
    EXPECT_EQ(here.numa_node, gpu % 4 / 2);
  }
  EXPECT_EQ(cluster.leaves[47].gpu, GpuIndex(11));
  EXPECT_EQ(cluster.leaves[47].placement.start, 3);
}

TEST(NodeInventoryTest, NumaNodesAreUnknownUnlessSaid) {
  const GpuModel& model = **FindGpuModel("a30");
  const auto layout = *UniformLayout(model, "1g.6gb");
  EXPECT_EQ(NodeInventory::Uniform(model, 2, layout).gpus[1].numa_node, -1);
  EXPECT_EQ(NodeInventory::Cluster(model, {1, 2, 0}, layout).gpus[1].numa_node, -1);
  EXPECT_EQ(NodeInventory::Cluster(model, {1, 3, 3}, layout).gpus[2].numa_node, 2);
  EXPECT_TRUE(NodeInventory::Uniform(model, 0, layout).gpus.empty());
}

}  // namespace
}  // namespace flexmig::mig
