// How far the search of topo is from the best where it does not look at everything.

#include "topo_search.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"

namespace flexmig::alloc {
namespace {

using mig::LeafId;

// A cluster of A100s, about `busy_percent` full with jobs of random sizes that `pack` has placed,
// some of which are over.
LeafPool UsedCluster(const mig::NodeInventory::ClusterShape& shape, uint64_t busy_percent,
                     SplitMix64& random) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  LeafPool pool(mig::NodeInventory::Cluster(model, shape, *mig::UniformLayout(model, "1g.5gb")));
  const auto policy = *MakePolicy("pack");
  const int leaves = pool.free_count();
  std::vector<JobId> jobs;
  for (int next = 0; pool.free_count() > leaves / 50; ++next) {
    AllocationRequest request;
    request.leaf_count = 1 + static_cast<int>(random.NextBelow(7));
    request.comm = random.NextBelow(3) == 0 ? Comm::kLight : Comm::kHeavy;
    const auto chosen = policy->Choose(request, pool);
    if (!chosen.ok()) break;
    jobs.emplace_back(StrCat(next));
    EXPECT_TRUE(pool.Lease(jobs.back(), chosen->leaves, request.comm).ok());
  }
  for (const JobId& job : jobs) {
    if (random.NextBelow(100) < busy_percent) continue;
    EXPECT_TRUE(pool.Release(job).ok());
  }
  return pool;
}

int64_t BestOn(const LeafPool& pool, const Problem& problem, int node) {
  Problem there = problem;
  there.node = node;
  if (pool.indices()[0].Capacity(node, problem.max_gpus) < problem.leaf_count) {
    return std::numeric_limits<int64_t>::max();
  }
  return TopoSearch(there, {}, false).best().score;
}

TEST(TopoSearchTest, OnManyNodesItIsSeldomFarFromTheBest) {
  SplitMix64 random(11);
  int decisions = 0;
  int worse = 0;
  int64_t lost = 0;  // in 1/7 points
  for (int round = 0; round < 60; ++round) {
    const LeafPool pool = UsedCluster({40, 8, 2}, 70 + random.NextBelow(28), random);
    for (int n = 1; n <= 14; ++n) {
      const Problem problem{pool, 0, n, LeafIndex::kAnyGpus, n > 1};
      if (pool.indices()[0].MostOnNode() < n) continue;
      int64_t best = std::numeric_limits<int64_t>::max();
      for (int node = 0; node < 40; ++node) best = std::min(best, BestOn(pool, problem, node));
      const int64_t found = TopoSearch(problem, {}, false).best().score;
      ASSERT_GE(found, best);
      ++decisions;
      if (found > best) ++worse;
      lost += found - best;
    }
  }
  const double mean = static_cast<double>(lost) / 7 / decisions;
  RecordProperty("worse_percent", 100 * worse / decisions);
  RecordProperty("mean_points_lost", FormatFixed(mean, 2));
  // A leaf more on the busiest link is 100 points: 17 are lost in the mean, in a quarter of all.
  EXPECT_LT(mean, 20) << worse << " of " << decisions;
}

TEST(TopoSearchTest, OnALargeNodeItIsNeverWorseThanTheBestSingleGpu) {
  SplitMix64 random(12);
  for (int round = 0; round < 40; ++round) {
    const LeafPool pool = UsedCluster({1, 100, 2}, 60 + random.NextBelow(38), random);
    const LeafIndex& index = pool.indices()[0];
    for (int n = 1; n <= 20; ++n) {
      const Problem problem{pool, 0, n, LeafIndex::kAnyGpus, n > 1};
      if (index.MostOnNode() < n) continue;
      const TopoSearch search(problem, {}, false);
      std::vector<LeafId> leaves;
      for (const GpuShare share : search.best().shares) problem.Take(share, leaves);
      ASSERT_EQ(leaves.size(), static_cast<size_t>(n));
      ASSERT_EQ(TopoScore(MeasureTopo(pool, Comm::kHeavy, leaves), {}), search.best().score);
      for (int gpu = 0; gpu < 100; ++gpu) {
        if (index.FreeOn(gpu) < n) continue;
        std::vector<LeafId> alone;
        problem.Take({gpu, n}, alone);
        ASSERT_LE(search.best().score, TopoScore(MeasureTopo(pool, Comm::kHeavy, alone), {}));
      }
    }
  }
}

TEST(TopoSearchTest, AJobOfMoreThanEightGpusIsPacked) {
  SplitMix64 random(13);
  const LeafPool pool = UsedCluster({1, 12, 2}, 0, random);
  AllocationRequest request;
  request.leaf_count = 60;
  EXPECT_EQ(*(*MakePolicy("topo"))->Choose(request, pool),
            *(*MakePolicy("pack"))->Choose(request, pool));
}

}  // namespace
}  // namespace flexmig::alloc
