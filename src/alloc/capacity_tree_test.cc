#include "flexmig/alloc/capacity_tree.h"

#include <gtest/gtest.h>

#include "flexmig/base/random.h"

namespace flexmig::alloc {
namespace {

TEST(CapacityTreeTest, FindsTheLowestNodeThatALinearSearchFinds) {
  for (const int nodes : {1, 2, 8, 9, 64, 65, 700}) {
    SplitMix64 random(static_cast<uint64_t>(nodes));
    CapacityTree tree(nodes);
    std::vector<CapacityTree::Lanes> model(static_cast<size_t>(nodes));
    for (int step = 0; step < 2'000; ++step) {
      const auto node = random.NextBelow(static_cast<uint64_t>(nodes));
      CapacityTree::Lanes lanes;
      for (auto& lane : lanes) lane = static_cast<int32_t>(random.NextBelow(20));
      // Rarely much, so that searches go far.
      if (random.NextBelow(10) > 0) lanes.fill(static_cast<int32_t>(random.NextBelow(3)));
      tree.Set(static_cast<int>(node), lanes);
      model[node] = lanes;
      ASSERT_EQ(tree.At(static_cast<int>(node)), lanes);
      const auto lane = random.NextBelow(CapacityTree::kLanes);
      const auto least = static_cast<int32_t>(random.NextBelow(21));
      const auto from = random.NextBelow(static_cast<uint64_t>(nodes) + 1);
      int expected = CapacityTree::kNone;
      int32_t most = 0;
      for (size_t i = model.size(); i-- > 0;) {
        most = std::max(most, model[i][lane]);
        if (i >= from && model[i][lane] >= least) expected = static_cast<int>(i);
      }
      ASSERT_EQ(tree.Lowest(static_cast<int>(from), lane, least), expected);
      ASSERT_EQ(tree.Max()[lane], most);
    }
  }
}

}  // namespace
}  // namespace flexmig::alloc
