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

}  // namespace
}  // namespace flexmig::mig
