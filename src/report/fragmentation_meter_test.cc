#include "flexmig/report/fragmentation_meter.h"

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::report {
namespace {

const mig::GpuModel& Board() { return **mig::FindGpuModel("a100-40"); }

alloc::LeafPool Pool(std::string_view layout, int gpus) {
  return alloc::LeafPool(
      mig::NodeInventory::Uniform(Board(), gpus, *mig::ParseLayout(Board(), layout)));
}

TEST(FragmentationMeterTest, LeavesAreUsableByWhoeverFindsEnoughOfThem) {
  alloc::LeafPool pool = Pool("7x1g.5gb", 1);
  // Half of the requests want 2 leaves, a quarter 5 and a quarter 8, which is more than there are.
  FragmentationMeter meter({{{2, 0}, 2}, {{5, 0}, 1}, {{8, 0}, 1}});
  meter.Begin(pool);
  EXPECT_EQ(meter.free_slices(), 7);
  EXPECT_DOUBLE_EQ(meter.UnusableSlices(), 7 * 0.25);
  const std::vector<mig::LeafId> four = {mig::LeafId(0), mig::LeafId(2), mig::LeafId(4),
                                         mig::LeafId(6)};
  ASSERT_TRUE(pool.Lease(JobId("a"), four).ok());
  meter.OnLease(pool, four);
  EXPECT_EQ(meter.free_slices(), 3);
  EXPECT_DOUBLE_EQ(meter.UnusableSlices(), 3 * 0.5);
  ASSERT_TRUE(pool.Release(JobId("a")).ok());
  meter.OnRelease(pool, four);
  EXPECT_DOUBLE_EQ(meter.UnusableSlices(), 7 * 0.25);
}

TEST(FragmentationMeterTest, InstancesBelowTheRequestAreUnusable) {
  alloc::LeafPool pool = Pool("4g.20gb:1,2g.10gb:1,1g.5gb:1", 2);
  FragmentationMeter meter({{{1, 1}, 1}, {{1, 3}, 2}, {{2, 3}, 1}});
  meter.Begin(pool);
  EXPECT_EQ(meter.free_slices(), 14);
  // All but two 4g are of no use to those who want 3 slices.
  EXPECT_DOUBLE_EQ(meter.UnusableSlices(), 0.75 * 6);
  const mig::Leaf* big = nullptr;
  for (const mig::Leaf& leaf : pool.inventory().leaves) {
    if (leaf.profile->compute_slices == 4) big = &leaf;
  }
  const std::vector<mig::LeafId> one = {big->id};
  ASSERT_TRUE(pool.Lease(JobId("a"), one).ok());
  meter.OnLease(pool, one);
  // Who wants two of them finds one: all 10 free slices are of no use.
  EXPECT_DOUBLE_EQ(meter.UnusableSlices(), 0.5 * 6 + 0.25 * 10);
}

TEST(FragmentationMeterTest, LostLeavesAreNotFree) {
  alloc::LeafPool pool = Pool("3g.20gb:2", 1);
  FragmentationMeter meter({{{1, 2}, 1}});
  meter.Begin(pool);
  EXPECT_EQ(meter.free_slices(), 6);
  ASSERT_TRUE(pool.MarkLost(mig::LeafId(1)).ok());
  meter.Update(pool, mig::GpuIndex(0));
  EXPECT_EQ(meter.free_slices(), 3);
  EXPECT_EQ(meter.UnusableSlices(), 0);
}

// Every placement of every profile as a leaf, as where instances are made on demand: against all
// legal layouts that could be made beside what is held.
TEST(FragmentationMeterTest, PlacementsThatExcludeEachOtherCountAsTheBestOfThem) {
  mig::MigLayout all;
  for (const mig::Profile& profile : Board().profiles) {
    if (profile.media != mig::MediaEngines::kDefault || profile.graphics) continue;
    for (const int start : profile.starts)
      all.push_back({profile.id, {start, profile.memory_slices}});
  }
  std::sort(all.begin(), all.end());
  mig::NodeInventory node = mig::NodeInventory::Uniform(Board(), 1, all);
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SplitMix64 random(seed);
    alloc::LeafPool pool(node);
    // Up to three leaves that do not overlap are held.
    std::vector<mig::LeafId> held;
    mig::MigLayout in_place;
    for (int i = 0; i < 3; ++i) {
      const mig::Leaf& leaf = node.leaves[random.NextBelow(node.leaves.size())];
      mig::MigLayout with = in_place;
      with.push_back({leaf.profile->id, leaf.placement});
      if (!mig::CheckLayout(Board(), with).ok()) continue;
      in_place = with;
      held.push_back(leaf.id);
    }
    const int floor = 1 + static_cast<int>(random.NextBelow(4));
    FragmentationMeter meter({{{1, floor}, 1}});
    meter.Begin(pool);
    if (!held.empty()) {
      ASSERT_TRUE(pool.Lease(JobId("a"), held).ok());
      meter.OnLease(pool, held);
    }
    int most = 0;           // slices that can be given out
    int most_at_least = 0;  // of instances with `floor` slices or more
    mig::EnumerateLayouts(
        Board(),
        [](const mig::Profile& profile) {
          return profile.media == mig::MediaEngines::kDefault && !profile.graphics;
        },
        [&](std::span<const mig::PlacedProfile> layout) {
          mig::MigLayout together = in_place;
          int slices = 0;
          int large = 0;
          for (const mig::PlacedProfile& placed : layout) {
            const int of = Board().FindProfile(placed.profile)->compute_slices;
            slices += of;
            large += of >= floor ? of : 0;
            together.push_back(placed);
          }
          if (slices <= most && large <= most_at_least) return;
          if (!mig::CheckLayout(Board(), together).ok()) return;
          most = std::max(most, slices);
          most_at_least = std::max(most_at_least, large);
        });
    EXPECT_EQ(meter.free_slices(), most) << "seed " << seed;
    EXPECT_DOUBLE_EQ(meter.UnusableSlices(), most_at_least == 0 ? most : most - most_at_least)
        << "seed " << seed << ", floor " << floor;
  }
}

}  // namespace
}  // namespace flexmig::report
