#include "flexmig/alloc/leaf_pool.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::alloc {
namespace {

using mig::GpuIndex;
using mig::LeafId;

mig::NodeInventory Node(int gpus) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  return mig::NodeInventory::Uniform(model, gpus, *mig::UniformLayout(model, "1g.5gb"));
}

std::vector<LeafId> Ids(std::initializer_list<int> ids) {
  std::vector<LeafId> leaves;
  for (const int id : ids) leaves.emplace_back(id);
  return leaves;
}

TEST(LeafPoolTest, LeasedLeavesAreNoLongerFree) {
  LeafPool pool(Node(2));
  ASSERT_TRUE(pool.Lease(JobId("a"), Ids({9, 0})).ok());
  EXPECT_EQ(pool.free_count(), 12);
  EXPECT_EQ(pool.free_count(GpuIndex(1)), 6);
  EXPECT_FALSE(pool.IsFree(LeafId(9)));
  EXPECT_EQ(pool.HolderOf(LeafId(9)), JobId("a"));
  EXPECT_EQ(pool.FreeOn(GpuIndex(0)), Ids({1, 2, 3, 4, 5, 6}));
}

TEST(LeafPoolTest, ARefusedLeaseTakesNothing) {
  LeafPool pool(Node(1));
  ASSERT_TRUE(pool.Lease(JobId("a"), Ids({3})).ok());
  const Status status = pool.Lease(JobId("b"), Ids({2, 3}));
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "leaf 3 is held by job a");
  EXPECT_EQ(pool.Lease(JobId("b"), Ids({2, 2})).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(pool.Lease(JobId("b"), Ids({7})).code(), StatusCode::kNotFound);
  EXPECT_EQ(pool.Lease(JobId("b"), Ids({-1})).code(), StatusCode::kNotFound);
  EXPECT_EQ(pool.Lease(JobId("b"), {}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(pool.Lease(JobId("a"), Ids({2})).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(pool.free_count(), 6);
}

TEST(LeafPoolTest, ReleasingAnUnknownJobIsNotFound) {
  LeafPool pool(Node(1));
  EXPECT_EQ(pool.Release(JobId("a")).code(), StatusCode::kNotFound);
}

TEST(LeafPoolTest, ALostLeafComesBackOnlyWhenMarked) {
  LeafPool pool(Node(1));
  ASSERT_TRUE(pool.Lease(JobId("a"), Ids({4})).ok());
  ASSERT_TRUE(pool.MarkLost(LeafId(4)).ok());
  ASSERT_TRUE(pool.MarkLost(LeafId(5)).ok());
  EXPECT_EQ(pool.free_count(), 5);
  ASSERT_TRUE(pool.Release(JobId("a")).ok());
  EXPECT_EQ(pool.free_count(), 5);
  EXPECT_EQ(pool.Lease(JobId("b"), Ids({5})).message(), "leaf 5 is lost");
  ASSERT_TRUE(pool.MarkBack(LeafId(4)).ok());
  ASSERT_TRUE(pool.MarkBack(LeafId(5)).ok());
  ASSERT_TRUE(pool.MarkBack(LeafId(5)).ok());
  EXPECT_EQ(pool.FreeOn(GpuIndex(0)), Ids({0, 1, 2, 3, 4, 5, 6}));
}

TEST(LeafPoolTest, RandomOperationsNeverGiveALeafTwice) {
  SplitMix64 random(20261122);
  LeafPool pool(Node(4));
  std::map<JobId, std::set<LeafId>> model;
  std::set<LeafId> lost;
  for (int step = 0; step < 20'000; ++step) {
    const JobId job(StrCat("j", random.NextBelow(12)));
    const LeafId leaf(static_cast<int>(random.NextBelow(28)));
    switch (random.NextBelow(4)) {
      case 0: {
        std::set<LeafId> wanted;
        for (uint64_t i = 0; i <= random.NextBelow(6); ++i) {
          wanted.insert(LeafId(static_cast<int>(random.NextBelow(28))));
        }
        bool free = !model.contains(job);
        for (const LeafId id : wanted) {
          free = free && !lost.contains(id);
          for (const auto& [other, held] : model) free = free && !held.contains(id);
        }
        const std::vector<LeafId> leaves(wanted.begin(), wanted.end());
        ASSERT_EQ(pool.Lease(job, leaves).ok(), free);
        if (free) model[job] = wanted;
        break;
      }
      case 1: ASSERT_EQ(pool.Release(job).ok(), model.erase(job) == 1); break;
      case 2:
        ASSERT_TRUE(pool.MarkLost(leaf).ok());
        lost.insert(leaf);
        break;
      default: ASSERT_TRUE(pool.MarkBack(leaf).ok()); lost.erase(leaf);
    }
    std::set<LeafId> busy = lost;
    for (const auto& [holder, held] : model) busy.insert(held.begin(), held.end());
    ASSERT_EQ(pool.free_count(), 28 - static_cast<int>(busy.size()));
    for (int id = 0; id < 28; ++id) {
      ASSERT_EQ(pool.IsFree(LeafId(id)), !busy.contains(LeafId(id)));
    }
  }
}

}  // namespace
}  // namespace flexmig::alloc
