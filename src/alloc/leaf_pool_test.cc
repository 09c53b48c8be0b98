#include "flexmig/alloc/leaf_pool.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

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

std::vector<LeafId> FreeOn(const LeafPool& pool, int gpu) {
  const FreeLeaves free = pool.FreeOn(GpuIndex(gpu));
  std::vector<LeafId> leaves;
  for (const LeafId id : free) leaves.push_back(id);
  EXPECT_EQ(free.size(), leaves.size());
  EXPECT_EQ(free.empty(), leaves.empty());
  return leaves;
}

TEST(LeafPoolTest, LeasedLeavesAreNoLongerFree) {
  LeafPool pool(Node(2));
  ASSERT_TRUE(pool.Lease(JobId("a"), Ids({9, 0})).ok());
  EXPECT_EQ(pool.free_count(), 12);
  EXPECT_EQ(pool.free_count(GpuIndex(1)), 6);
  EXPECT_FALSE(pool.IsFree(LeafId(9)));
  EXPECT_EQ(pool.HolderOf(LeafId(9)), JobId("a"));
  EXPECT_EQ(FreeOn(pool, 0), Ids({1, 2, 3, 4, 5, 6}));
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
  EXPECT_EQ(FreeOn(pool, 0), Ids({0, 1, 2, 3, 4, 5, 6}));
}

TEST(LeafPoolTest, OnlyLeasesOfSeveralLeavesThatCommunicateLoadLinks) {
  LeafPool pool(Node(2));
  ASSERT_TRUE(pool.Lease(JobId("pair"), Ids({0, 7})).ok());
  ASSERT_TRUE(pool.Lease(JobId("single"), Ids({1})).ok());
  ASSERT_TRUE(pool.Lease(JobId("light"), Ids({2, 3}), Comm::kLight).ok());
  EXPECT_EQ(pool.LinkLoad(GpuIndex(0)), 1);
  EXPECT_EQ(pool.LinkLoad(GpuIndex(1)), 1);
  ASSERT_TRUE(pool.Release(JobId("pair")).ok());
  EXPECT_EQ(pool.LinkLoad(GpuIndex(0)), 0);
  EXPECT_FALSE(pool.IsIdle(GpuIndex(0)));
  EXPECT_TRUE(pool.IsIdle(GpuIndex(1)));
}

TEST(LeafPoolTest, RemembersSizesAndThePlaceOfTheLastLease) {
  LeafPool pool(Node(2));
  EXPECT_FALSE(pool.last_leased_gpu().has_value());
  ASSERT_TRUE(pool.Lease(JobId("a"), Ids({7, 8, 0})).ok());
  EXPECT_EQ(pool.last_leased_gpu(), GpuIndex(0));
  EXPECT_FALSE(pool.Lease(JobId("b"), Ids({9, 0})).ok());
  ASSERT_TRUE(pool.Lease(JobId("c"), Ids({9})).ok());
  ASSERT_TRUE(pool.Release(JobId("c")).ok());
  EXPECT_EQ(pool.last_leased_gpu(), GpuIndex(1));
  EXPECT_EQ(pool.lease_sizes()[3], 1);
  EXPECT_EQ(pool.lease_sizes()[2], 0);
  EXPECT_EQ(pool.lease_sizes()[1], 1);
}

TEST(LeafPoolTest, ACopyGoesItsOwnWay) {
  LeafPool pool(Node(1));
  ASSERT_TRUE(pool.Lease(JobId("a"), Ids({1, 2})).ok());
  LeafPool copy = pool;
  ASSERT_TRUE(copy.Release(JobId("a")).ok());
  EXPECT_EQ(copy.free_count(), 7);
  EXPECT_EQ(pool.HolderOf(LeafId(1)), JobId("a"));
  EXPECT_EQ(FreeOn(pool, 0), Ids({0, 3, 4, 5, 6}));
}

// What LeafIndex says, counted anew from the leaves.
void ExpectIndexIsRight(const LeafPool& pool, size_t profile) {
  const LeafIndex& index = pool.indices()[profile];
  const auto& inventory = pool.inventory();
  std::vector<int> free(inventory.gpus.size(), 0);
  for (const mig::Leaf& leaf : inventory.leaves) {
    if (leaf.profile == index.profile() && pool.IsFree(leaf.id)) {
      ++free[static_cast<size_t>(leaf.gpu.value())];
    }
  }
  const int nodes = pool.nodes().node_count();
  std::vector<std::vector<int>> by_node(static_cast<size_t>(nodes));
  for (size_t gpu = 0; gpu < free.size(); ++gpu) {
    by_node[static_cast<size_t>(inventory.gpus[gpu].node.value())].push_back(free[gpu]);
    ASSERT_EQ(index.FreeOn(static_cast<int>(gpu)), free[gpu]);
    ASSERT_EQ(pool.FreeOf(profile, static_cast<int>(gpu)).size(), static_cast<size_t>(free[gpu]));
    const LeafIndex::Gpu state = index.StateOf(static_cast<int>(gpu));
    const GpuIndex id(static_cast<int>(gpu));
    if (free[gpu] > 0) {
      ASSERT_EQ(state.load, pool.LinkLoad(id));
      ASSERT_EQ(state.idle, pool.IsIdle(id));
    }
  }
  for (int most = 1; most <= 4; ++most) {
    int best = 0;
    for (int node = 0; node < nodes; ++node) {
      auto counts = by_node[static_cast<size_t>(node)];
      std::sort(counts.rbegin(), counts.rend());
      int sum = 0;
      for (size_t i = 0; i < counts.size() && static_cast<int>(i) < most; ++i) sum += counts[i];
      ASSERT_EQ(index.Capacity(node, most), sum);
      best = std::max(best, sum);
    }
    ASSERT_EQ(index.MostOnNode(most), best);
  }
  for (int least = 1; least <= index.most_on_gpu(); ++least) {
    int tightest = LeafIndex::kNone;
    for (size_t gpu = 0; gpu < free.size(); ++gpu) {
      if (free[gpu] < least) continue;
      if (tightest == LeafIndex::kNone || free[gpu] < free[static_cast<size_t>(tightest)]) {
        tightest = static_cast<int>(gpu);
      }
    }
    ASSERT_EQ(index.TightestGpu(least), tightest);
  }
}

TEST(LeafPoolTest, IndicesFollowRandomOperationsOnAClusterOfMixedLeaves) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  LeafPool pool(mig::NodeInventory::Cluster(
      model, {3, 3, 2}, *mig::ParseLayout(model, "3g.20gb:1,2g.10gb:1,1g.5gb:2")));
  const auto leaves = pool.inventory().leaves.size();
  ASSERT_EQ(pool.indices().size(), 3u);
  SplitMix64 random(7);
  for (int step = 0; step < 3'000; ++step) {
    const JobId job(StrCat("j", random.NextBelow(9)));
    const LeafId leaf(static_cast<int>(random.NextBelow(leaves)));
    const Comm comm = random.NextBelow(2) == 0 ? Comm::kHeavy : Comm::kLight;
    std::vector<LeafId> wanted{leaf};
    while (random.NextBelow(3) > 0) {
      wanted.emplace_back(static_cast<int>(random.NextBelow(leaves)));
    }
    // Whether each succeeds is checked elsewhere; a refusal must not leave a trace.
    switch (random.NextBelow(5)) {
      case 0: std::ignore = pool.MarkLost(leaf); break;
      case 1: std::ignore = pool.MarkBack(leaf); break;
      case 2: std::ignore = pool.Release(job); break;
      default: std::ignore = pool.Lease(job, wanted, comm);
    }
    for (size_t profile = 0; profile < 3; ++profile) {
      ASSERT_NO_FATAL_FAILURE(ExpectIndexIsRight(pool, profile));
    }
  }
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
