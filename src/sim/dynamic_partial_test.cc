// Speeds of class middling: 1g 0.26, 2g 0.45, 3g 0.65, 4g 0.73, 7g 1.

#include <bit>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/base/random.h"

#include "flexible_placement.h"
#include "schemes.h"
#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

Setting Costless() {
  Setting setting;
  setting.costs.create = setting.costs.destroy = 0s;
  return setting;
}

TEST(DynamicPartialTest, InstancesAreMadeBesideThoseOfRunningJobs) {
  // 3g and 4g side by side; the second 3g follows the first, while the 4g still runs.
  EXPECT_EQ(
      Schedule(Play("dynamic-partial", {{0, 100, 42}, {0, 200, 57}, {0, 100, 42}}, Costless())),
      (Texts{"0-100", "0-200", "100-200"}));
}

TEST(DynamicPartialTest, CreationsOnAGpuQueueUpAndDestructionHoldsThePlace) {
  Setting setting;
  setting.costs.create = 1s;
  setting.costs.destroy = 2s;
  const Played played =
      Play("dynamic-partial", {{0, 100, 14}, {0, 100, 14}, {0, 100, 100}}, setting);
  EXPECT_EQ(Schedule(played), (Texts{"0-101", "0-102", "104-205"}));
  EXPECT_EQ(played.outcome.jobs[1].release_time, sched::TimePoint(104s));
  setting.gpus = 2;
  EXPECT_EQ(Schedule(Play("dynamic-partial", {{0, 90, 200}}, setting)), (Texts{"0-91"}));
}

TEST(DynamicPartialTest, FiveSlicesTakeTheWholeGpu) {
  EXPECT_EQ(Schedule(Play("dynamic-partial", {{0, 100, 71}, {0, 100, 14}}, Costless())),
            (Texts{"0-82", "82-182"}));
}

TEST(DynamicPartialTest, PlacesSmallInstancesWhereLargeOnesCannotBe) {
  // 1g at memory slice 6 leaves room for 4g at 0; at any other place it would not.
  EXPECT_EQ(
      Schedule(Play("dynamic-partial", {{0, 100, 14}, {0, 100, 57}, {0, 100, 28}}, Costless())),
      (Texts{"0-100", "0-100", "0-100"}));
}

// The rule, by exhaustion over what the board allows.
class FlexiblePlacementTest : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Boards, FlexiblePlacementTest,
                         testing::Values("a100-40", "a30", "h100-80"));

int Flexibility(const mig::GpuModel& model, const mig::MigLayout& all,
                const mig::MigLayout& layout) {
  int sum = 0;
  for (const mig::PlacedProfile& next : all) {
    mig::MigLayout with = layout;
    with.push_back(next);
    std::sort(with.begin(), with.end());
    if (mig::CheckLayout(model, with).ok()) {
      sum += model.FindProfile(next.profile)->compute_slices;
    }
  }
  return sum;
}

TEST_P(FlexiblePlacementTest, IsLegalAndTakesLeastFlexibility) {
  constexpr size_t kGpus = 3;
  const mig::GpuModel& model = Board(GetParam());
  const auto profiles = ProfilesBySlices(model);
  const mig::MigLayout all = PlacementsOf(profiles);
  const FlexiblePlacement policy(model, profiles, all);
  alloc::LeafPool pool(NodesWith(model, kGpus, std::vector<mig::MigLayout>(kGpus, all)));
  std::vector<mig::MigLayout> layouts(kGpus);
  std::map<std::string, std::pair<size_t, mig::PlacedProfile>> jobs;
  SplitMix64 random(1);
  for (int step = 0; step < 400; ++step) {
    if (!jobs.empty() && random.NextBelow(5) < 2) {
      const auto job = std::next(jobs.begin(), static_cast<long>(random.NextBelow(jobs.size())));
      ASSERT_TRUE(pool.Release(JobId(job->first)).ok());
      std::erase(layouts[job->second.first], job->second.second);
      jobs.erase(job);
      continue;
    }
    alloc::AllocationRequest request;
    request.min_compute_slices = 1 + static_cast<int>(random.NextBelow(profiles.size() - 1));
    const int size = SizeFor(profiles, request.min_compute_slices);
    // All that could be: the least loss, then the first GPU, then the first place.
    std::set<std::tuple<int, size_t, mig::PlacedProfile>> choices;
    for (size_t gpu = 0; gpu < kGpus; ++gpu) {
      for (const mig::PlacedProfile& placed : all) {
        mig::MigLayout with = layouts[gpu];
        with.push_back(placed);
        std::sort(with.begin(), with.end());
        if (placed.profile != profiles[static_cast<size_t>(size)]->id ||
            !mig::CheckLayout(model, with).ok())
          continue;
        choices.emplace(Flexibility(model, all, layouts[gpu]) - Flexibility(model, all, with), gpu,
                        placed);
      }
    }
    const auto chosen = policy.Choose(request, pool);
    if (choices.empty()) {
      ASSERT_EQ(chosen.status().code(), StatusCode::kResourceExhausted);
      continue;
    }
    ASSERT_TRUE(chosen.ok()) << chosen.status().ToString();
    ASSERT_EQ(chosen->leaves.size(), 1u);
    const auto& [loss, gpu, placed] = *choices.begin();
    const mig::Leaf& leaf = pool.leaf(chosen->leaves.front());
    ASSERT_EQ(static_cast<size_t>(leaf.gpu.value()), gpu);
    ASSERT_EQ(leaf.placement, placed.placement);
    ASSERT_EQ(leaf.profile->id, placed.profile);
    const std::string id = StrCat("job-", step);
    ASSERT_TRUE(pool.Lease(JobId(id), chosen->leaves).ok());
    layouts[gpu].push_back(placed);
    std::sort(layouts[gpu].begin(), layouts[gpu].end());
    jobs.emplace(id, std::pair(gpu, placed));
  }
}

TEST(FlexiblePlacementTest, WholeGpusUseAFurtherNodeOnlyIfTheyMust) {
  constexpr int kNodes = 4;
  constexpr int kGpusPerNode = 3;
  const auto profiles = ProfilesBySlices(Board());
  const mig::MigLayout all = PlacementsOf(profiles);
  const FlexiblePlacement policy(Board(), profiles, all);
  SplitMix64 random(3);
  for (int round = 0; round < 300; ++round) {
    alloc::LeafPool pool(NodesWith(
        Board(), kGpusPerNode, std::vector<mig::MigLayout>(size_t{kNodes} * kGpusPerNode, all)));
    std::vector<int> empty(kNodes, kGpusPerNode);
    for (int gpu = 0; gpu < kNodes * kGpusPerNode; ++gpu) {
      if (random.NextBelow(2) == 0) continue;
      const mig::LeafId leaf(gpu * static_cast<int>(all.size()));
      ASSERT_TRUE(pool.Lease(JobId(StrCat("job-", gpu)), {&leaf, 1}).ok());
      --empty[static_cast<size_t>(gpu / kGpusPerNode)];
    }
    alloc::AllocationRequest request;
    request.min_compute_slices = 7;
    request.leaf_count = 2 + static_cast<int>(random.NextBelow(8));
    request.max_nodes = 1 + static_cast<int>(random.NextBelow(kNodes + 1));
    // The fewest nodes are the richest ones.
    std::sort(empty.rbegin(), empty.rend());
    int needed = 0;
    for (int have = 0; have < request.leaf_count && needed < kNodes; ++needed) {
      have += empty[static_cast<size_t>(needed)];
      if (have < request.leaf_count && needed + 1 == kNodes) needed = kNodes;  // then above it
    }
    const auto chosen = policy.Choose(request, pool);
    if (request.leaf_count > std::min(request.max_nodes, kNodes) * kGpusPerNode) {
      ASSERT_EQ(chosen.status().code(), StatusCode::kInvalidArgument);
    } else if (needed > request.max_nodes || needed > kNodes) {
      ASSERT_EQ(chosen.status().code(), StatusCode::kResourceExhausted);
    } else {
      ASSERT_TRUE(chosen.ok()) << chosen.status().ToString();
      std::set<int> gpus;
      std::set<int> nodes;
      for (const mig::LeafId id : chosen->leaves) {
        const int gpu = pool.leaf(id).gpu.value();
        ASSERT_TRUE(pool.IsIdle(mig::GpuIndex(gpu)));
        gpus.insert(gpu);
        nodes.insert(gpu / kGpusPerNode);
      }
      ASSERT_EQ(static_cast<int>(gpus.size()), request.leaf_count);
      ASSERT_EQ(static_cast<int>(nodes.size()), needed);
    }
  }
}

TEST(FlexiblePlacementTest, SaysWhatCanNeverBe) {
  const auto profiles = ProfilesBySlices(Board());
  const mig::MigLayout all = PlacementsOf(profiles);
  const FlexiblePlacement policy(Board(), profiles, all);
  const alloc::LeafPool pool(NodesWith(Board(), 2, {all, all}));
  for (const alloc::AllocationRequest& request :
       {alloc::AllocationRequest{3, {}, {}, 7}, alloc::AllocationRequest{1, {}, {}, 8},
        alloc::AllocationRequest{2, {}, {}, 3}, alloc::AllocationRequest{0, {}, {}, 3},
        alloc::AllocationRequest{1, Bytes::GiB(60), {}, 1}}) {
    EXPECT_EQ(policy.Choose(request, pool).status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace flexmig::sim
