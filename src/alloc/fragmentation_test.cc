#include "flexmig/alloc/fragmentation.h"

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "naive_for_test.h"

namespace flexmig::alloc {
namespace {

using mig::LeafId;

const mig::GpuModel& Model(std::string_view key) { return **mig::FindGpuModel(key); }

LeafPool Pool(std::string_view key, std::string_view layout, int gpus) {
  return LeafPool(
      mig::NodeInventory::Uniform(Model(key), gpus, *mig::ParseLayout(Model(key), layout)));
}

int64_t Unusable(const LeafPool& pool, Sharing sharing, double slices,
                 const FragmentationRules& rules = {}) {
  return MeasureFragmentation(pool, sharing, {{{slices, 1}}}, rules).sizes[0].unusable_slices;
}

TEST(FragmentationTest, LeavesAreUnusableExactlyIfNoAllocationContainsThem) {
  SplitMix64 random(1);
  for (int round = 0; round < 120; ++round) {
    LeafPool pool(mig::NodeInventory::Cluster(Model("a30"), {2, 2, 2},
                                              *mig::UniformLayout(Model("a30"), "1g.6gb")));
    for (int id = 0; id < 16; ++id) {
      if (random.NextBelow(2) > 0) continue;
      ASSERT_TRUE(pool.MarkLost(LeafId(id)).ok());
    }
    for (const int n : {1, 2, 3, 5, 9}) {
      for (int rule = 0; rule < 4; ++rule) {
        AllocationRequest request;
        request.leaf_count = n;
        FragmentationRules rules;
        if (rule == 1 || rule == 2) request.max_gpus = rules.max_gpus = rule;
        if (rule == 3) request.max_nodes = rules.max_nodes = 2;
        ASSERT_EQ(Unusable(pool, Sharing::kLeaves, n, rules), NaiveUnusableLeaves(pool, request))
            << "free=" << FreeMask(pool) << " n=" << n << " rule=" << rule;
      }
    }
  }
}

TEST(FragmentationTest, LeavesOfOneNodeAreOnlyUnusableWhereTheyAreTooFew) {
  LeafPool pool = Pool("a100-40", "1g.5gb", 2);
  const LeafId busy[] = {LeafId(0), LeafId(2), LeafId(4), LeafId(6), LeafId(7), LeafId(9)};
  ASSERT_TRUE(pool.Lease(JobId("a"), busy).ok());  // 8 are free, scattered
  EXPECT_EQ(Unusable(pool, Sharing::kLeaves, 7), 0);
  EXPECT_EQ(Unusable(pool, Sharing::kLeaves, 8), 0);
  EXPECT_EQ(Unusable(pool, Sharing::kLeaves, 9), 8);
  EXPECT_EQ(Unusable(pool, Sharing::kLeaves, 5, {{}, 1, 1}), 3) << "5 are on GPU 1, 3 on GPU 0";
  EXPECT_EQ(Unusable(pool, Sharing::kLeaves, 1, {Bytes::GiB(5), {}, 1}), 8);
  EXPECT_EQ(Unusable(pool, Sharing::kInstances, 2), 8) << "one instance of 1g is not enough";
}

TEST(FragmentationTest, PlacementsAreThoseOfTheBoard) {
  // What runs leaves 5 of 7 slices free on each GPU, but not where large instances may stand.
  LeafPool pool = Pool("a100-40", "1g.5gb", 2);
  const LeafId busy[] = {LeafId(1), LeafId(5), LeafId(7 + 0), LeafId(7 + 1)};
  ASSERT_TRUE(pool.Lease(JobId("a"), busy).ok());
  EXPECT_EQ(Unusable(pool, Sharing::kPlacements, 1), 0);
  EXPECT_EQ(Unusable(pool, Sharing::kPlacements, 2), 0) << "2g stands at 2 on both";
  EXPECT_EQ(Unusable(pool, Sharing::kPlacements, 3), 5) << "3g at 4 on GPU 1 only";
  EXPECT_EQ(Unusable(pool, Sharing::kPlacements, 4), 10) << "4g stands at 0 only";
  EXPECT_EQ(Unusable(pool, Sharing::kPlacements, 5), 10);
  EXPECT_EQ(Unusable(pool, Sharing::kLeaves, 5), 0);
}

TEST(FragmentationTest, ExpectedValuesWeighTheSizes) {
  LeafPool pool = Pool("a100-40", "4g.20gb:1,2g.10gb:1,1g.5gb:1", 1);
  const SizeMix mix{{{1, 1}, {1.5, 2}, {5.7, 1}}};
  const auto instances = MeasureFragmentation(pool, Sharing::kInstances, mix, {});
  EXPECT_EQ(instances.free_slices, 7);
  ASSERT_EQ(instances.sizes.size(), 3u);
  EXPECT_EQ(instances.sizes[0].unusable_slices, 0);
  EXPECT_EQ(instances.sizes[1].unusable_slices, 1);
  EXPECT_EQ(instances.sizes[1].granted_slices, 2);
  EXPECT_EQ(instances.sizes[1].unusable_memory, Bytes::MiB(4864));
  EXPECT_EQ(instances.sizes[2].unusable_slices, 7);
  EXPECT_FALSE(instances.sizes[2].granted_slices.has_value());
  EXPECT_DOUBLE_EQ(instances.unusable_slices, (0 + 2 * 1 + 7) / 4.0);
  EXPECT_DOUBLE_EQ(instances.unusable_share, 2.25 / 7);
  EXPECT_DOUBLE_EQ(instances.rounding_slices, 2 * 0.5 / 3);
  EXPECT_DOUBLE_EQ(instances.stranded_memory_gib, (2 * 4864 + 4864 + 9984 + 20096) / 1024.0 / 4);
}

TEST(FragmentationTest, RoundingIsToWholeLeavesOrToTheNextProfile) {
  const LeafPool pool = Pool("a100-40", "1g.5gb", 1);
  const auto lost = [&](Sharing sharing, double slices) {
    return MeasureFragmentation(pool, sharing, {{{slices, 1}}}, {}).rounding_slices;
  };
  EXPECT_DOUBLE_EQ(lost(Sharing::kLeaves, 5.7), 6 - 5.7);
  EXPECT_DOUBLE_EQ(lost(Sharing::kPlacements, 5.7), 7 - 5.7);
  EXPECT_DOUBLE_EQ(lost(Sharing::kPlacements, 3.0), 0);
  EXPECT_NEAR(lost(Sharing::kLeaves, 3.0 / 7 * 7), 0, 1e-9);
}

TEST(FragmentationTest, ANodeInFullUseHasNothingToLose) {
  LeafPool pool = Pool("a30", "1g.6gb", 1);
  const LeafId all[] = {LeafId(0), LeafId(1), LeafId(2), LeafId(3)};
  ASSERT_TRUE(pool.Lease(JobId("a"), all).ok());
  for (const Sharing sharing : {Sharing::kLeaves, Sharing::kInstances, Sharing::kPlacements}) {
    const auto measured = MeasureFragmentation(pool, sharing, EvenSizes(4), {});
    EXPECT_EQ(measured.free_slices, 0);
    EXPECT_EQ(measured.unusable_share, 0);
  }
}

TEST(FragmentationTest, FlatteningLosesWhatThePriceOfTheLayoutSays) {
  const auto loss = MeasureFlattening(Pool("a100-40", "1g.5gb", 2));
  EXPECT_EQ(loss.sms, 2 * (108 - 7 * 14));
  EXPECT_EQ(loss.total_sms, 216);
  EXPECT_EQ(loss.memory, Bytes::MiB(2 * (40448 - 7 * 4864)));
  EXPECT_EQ(loss.total_memory, Bytes::MiB(2 * 40448));
}

TEST(ParseSizeMixTest, ReadsSizesAndWeightsStrictly) {
  const auto mix = ParseSizeMix("1=30,5.7=40");
  ASSERT_TRUE(mix.ok());
  ASSERT_EQ(mix->entries.size(), 2u);
  EXPECT_EQ(mix->entries[1].slices, 5.7);
  EXPECT_EQ(mix->entries[1].weight, 40);
  for (const char* wrong : {"", "1", "1=", "=1", "0=1", "-1=1", "1=0", "1=-2", "1=1.5", "1=1,",
                            "nan=1", "1=1,1.0=2", "1001=1", "1=1=1", "1=2000000000"}) {
    EXPECT_EQ(ParseSizeMix(wrong).status().code(), StatusCode::kInvalidArgument) << wrong;
  }
}

}  // namespace
}  // namespace flexmig::alloc
