// Every policy on small cases, against brute force over all subsets of the free leaves and against
// its rule spelled out leaf by leaf.

#include <algorithm>
#include <bit>
#include <set>

#include <gtest/gtest.h>

#include "flexmig/alloc/policy.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "naive_for_test.h"

namespace flexmig::alloc {
namespace {

using mig::LeafId;

// One node: 3 GPUs of an A30 with 4 leaves each, 2^12 patterns of free leaves.
constexpr int kGpus = 3;
constexpr int kPerGpu = 4;
constexpr int kLeaves = kGpus * kPerGpu;

const mig::GpuModel& A30() { return **mig::FindGpuModel("a30"); }

LeafPool PoolWithFree(unsigned free) {
  static const mig::NodeInventory node =
      mig::NodeInventory::Uniform(A30(), kGpus, *mig::UniformLayout(A30(), "1g.6gb"));
  LeafPool pool(node);
  const auto busy = ToLeaves(((1U << kLeaves) - 1) & ~free);
  EXPECT_EQ(pool.Lease(JobId("others"), busy).ok(), !busy.empty());
  return pool;
}

// What holds of every choice, and whether there should be one.
void ExpectLegal(const Result<Allocation>& chosen, const std::vector<unsigned>& legal) {
  ASSERT_EQ(chosen.ok(), !legal.empty());
  if (!chosen.ok()) return;
  const unsigned subset = ToMask(*chosen);
  ASSERT_EQ(static_cast<size_t>(std::popcount(subset)), chosen->leaves.size()) << "a leaf twice";
  ASSERT_NE(std::find(legal.begin(), legal.end(), subset), legal.end());
}

void ExpectGroupedByGpu(const LeafPool& pool, const Allocation& chosen) {
  std::set<mig::GpuIndex> left;
  for (size_t i = 1; i < chosen.leaves.size(); ++i) {
    const mig::Leaf& before = pool.leaf(chosen.leaves[i - 1]);
    const mig::Leaf& here = pool.leaf(chosen.leaves[i]);
    if (here.gpu == before.gpu) {
      ASSERT_LT(before.placement.start, here.placement.start);
    } else {
      ASSERT_TRUE(left.insert(before.gpu).second);
      ASSERT_FALSE(left.contains(here.gpu)) << "came back to a GPU";
    }
  }
}

// Dealt one by one to the GPUs in turn.
std::map<int, int> RoundRobinShares(const LeafPool& pool, int count) {
  const auto last = pool.last_leased_gpu();
  int gpu = last ? last->value() : kGpus - 1;
  std::map<int, int> shares;
  while (count > 0) {
    gpu = (gpu + 1) % kGpus;
    if (pool.free_count(mig::GpuIndex(gpu)) == shares[gpu]) continue;
    ++shares[gpu];
    --count;
  }
  std::erase_if(shares, [](const auto& share) { return share.second == 0; });
  return shares;
}

int64_t ScoreOf(const LeafPool& pool, const AllocationRequest& request, unsigned subset,
                const TopoWeights& weights = {}) {
  return TopoScore(MeasureTopo(pool, request.comm, ToLeaves(subset)), weights);
}

// The best value of each criterion over all choices.
struct Best {
  size_t least_gpus = 99;
  size_t most_gpus = 0;
  int least_bottleneck = 99;
  int64_t score = std::numeric_limits<int64_t>::max();
};

Best BestOf(const LeafPool& pool, const AllocationRequest& request,
            const std::vector<unsigned>& legal, const TopoWeights& weights = {}) {
  Best best;
  for (const unsigned subset : legal) {
    const Shape shape = ShapeOf(pool, subset);
    best.least_gpus = std::min(best.least_gpus, shape.leaves_on.size());
    best.most_gpus = std::max(best.most_gpus, shape.leaves_on.size());
    best.least_bottleneck = std::min(best.least_bottleneck, shape.bottleneck);
    best.score = std::min(best.score, ScoreOf(pool, request, subset, weights));
  }
  return best;
}

// Whether the choice is the one that the policy's rule asks for, on one node without span rule.
void ExpectRule(std::string_view policy, const LeafPool& pool, const AllocationRequest& request,
                unsigned subset, const std::vector<unsigned>& legal) {
  const Shape shape = ShapeOf(pool, subset);
  if (policy == "first-fit") {
    // Among equally many leaves the lower ones make the smaller number.
    ASSERT_EQ(subset, *std::min_element(legal.begin(), legal.end()));
  } else if (policy == "round-robin") {
    ASSERT_EQ(shape.leaves_on, RoundRobinShares(pool, request.leaf_count));
  } else if (policy == "best-fit") {
    const auto free_slices = [&](const mig::Leaf& leaf, unsigned taken) {
      return std::pair(SlicesOf(pool, leaf.gpu.value(), taken).first, 0);
    };
    ASSERT_EQ(subset, GreedyLeafByLeaf(pool, request.leaf_count, free_slices));
  } else if (policy == "largest-free-run") {
    const auto shortened = [&](const mig::Leaf& leaf, unsigned taken) {
      const auto before = SlicesOf(pool, leaf.gpu.value(), taken);
      const auto after = SlicesOf(pool, leaf.gpu.value(), taken | 1U << leaf.id.value());
      return std::pair(before.second - after.second, before.first);
    };
    ASSERT_EQ(subset, GreedyLeafByLeaf(pool, request.leaf_count, shortened));
  }
}

// The same for what also holds under a span rule.
void ExpectCriterion(std::string_view policy, const LeafPool& pool,
                     const AllocationRequest& request, unsigned subset, const Best& best) {
  const Shape shape = ShapeOf(pool, subset);
  if (policy == "pack" || policy == "min-frag") {
    ASSERT_EQ(shape.leaves_on.size(), best.least_gpus);
  } else if (policy == "spread") {
    ASSERT_EQ(shape.bottleneck, best.least_bottleneck);
    ASSERT_EQ(shape.leaves_on.size(), best.most_gpus);
  } else if (policy == "topo") {
    ASSERT_EQ(ScoreOf(pool, request, subset), best.score);
  }
}

TEST(PolicyOracleTest, EveryPolicyIsRightOnEverySmallNode) {
  for (unsigned free = 0; free < 1U << kLeaves; ++free) {
    const LeafPool pool = PoolWithFree(free);
    for (int n = 1; n <= 9; n += n < 4 ? 1 : 2) {
      for (int max_gpus = 1; max_gpus <= kGpus; ++max_gpus) {
        AllocationRequest request{n, Bytes(), max_gpus};
        if (max_gpus == kGpus) request.max_gpus.reset();
        const auto legal = LegalSubsets(pool, request);
        const Best best = BestOf(pool, request, legal);
        for (const std::string& name : PolicyNames()) {
          SCOPED_TRACE(StrCat(name, " free=", free, " n=", n, " max_gpus=", max_gpus));
          const auto policy = *MakePolicy(name);
          const auto chosen = policy->Choose(request, pool);
          ASSERT_NO_FATAL_FAILURE(ExpectLegal(chosen, legal));
          if (!chosen.ok()) {
            ASSERT_EQ(chosen.status().code(), n > max_gpus * kPerGpu
                                                  ? StatusCode::kInvalidArgument
                                                  : StatusCode::kResourceExhausted);
            continue;
          }
          ASSERT_NO_FATAL_FAILURE(ExpectGroupedByGpu(pool, *chosen));
          const unsigned subset = ToMask(*chosen);
          ASSERT_NO_FATAL_FAILURE(ExpectCriterion(name, pool, request, subset, best));
          if (max_gpus == kGpus) {
            ASSERT_NO_FATAL_FAILURE(ExpectRule(name, pool, request, subset, legal));
          }
          ASSERT_EQ(*policy->Choose(request, pool), *chosen) << "equal inputs, equal results";
        }
      }
    }
  }
}

// A cluster of 4 GPUs with `free` leaves free and the others in leases of random sizes, some of
// which communicate.
LeafPool ClusterWithFree(const mig::NodeInventory::ClusterShape& shape, unsigned free,
                         SplitMix64& random) {
  LeafPool pool(mig::NodeInventory::Cluster(A30(), shape, *mig::UniformLayout(A30(), "1g.6gb")));
  std::vector<LeafId> busy = ToLeaves(0xffffU & ~free);
  for (int job = 0; !busy.empty(); ++job) {
    std::vector<LeafId> leaves;
    for (auto size = 1 + random.NextBelow(5); size > 0 && !busy.empty(); --size) {
      const auto at = random.NextBelow(busy.size());
      leaves.push_back(busy[at]);
      busy.erase(busy.begin() + static_cast<std::ptrdiff_t>(at));
    }
    const Comm comm = random.NextBelow(3) == 0 ? Comm::kLight : Comm::kHeavy;
    EXPECT_TRUE(pool.Lease(JobId(StrCat(job)), leaves, comm).ok());
  }
  return pool;
}

TEST(PolicyOracleTest, EveryPolicyKeepsTheSpanRulesOnClusters) {
  SplitMix64 random(4);
  for (int round = 0; round < 250; ++round) {
    const auto free = static_cast<unsigned>(random.NextBelow(1U << 16));
    const mig::NodeInventory::ClusterShape shape = round % 2 == 0
                                                       ? mig::NodeInventory::ClusterShape{2, 2, 2}
                                                       : mig::NodeInventory::ClusterShape{4, 1, 1};
    const LeafPool pool = ClusterWithFree(shape, free, random);
    for (const int n : {1, 2, 3, 5, 8}) {
      for (int rule = 0; rule < 5; ++rule) {
        AllocationRequest request;
        request.leaf_count = n;
        if (rule == 1 || rule == 2) request.max_gpus = rule;
        if (rule > 2) request.max_nodes = rule - 1;
        request.comm = random.NextBelow(2) == 0 ? Comm::kHeavy : Comm::kLight;
        const auto legal = LegalSubsets(pool, request);
        size_t least_nodes = 4;
        for (const unsigned other : legal) {
          least_nodes = std::min(least_nodes, ShapeOf(pool, other).nodes.size());
        }
        std::vector<unsigned> on_one_node = legal;
        std::erase_if(on_one_node, [&](unsigned s) { return ShapeOf(pool, s).nodes.size() > 1; });
        const Best best = BestOf(pool, request, on_one_node);
        for (const std::string& name : PolicyNames()) {
          SCOPED_TRACE(StrCat(name, " free=", free, " n=", n, " rule=", rule, " round=", round));
          const auto chosen = (*MakePolicy(name))->Choose(request, pool);
          ASSERT_NO_FATAL_FAILURE(ExpectLegal(chosen, legal));
          if (!chosen.ok()) continue;
          ASSERT_NO_FATAL_FAILURE(ExpectGroupedByGpu(pool, *chosen));
          const unsigned subset = ToMask(*chosen);
          ASSERT_EQ(ShapeOf(pool, subset).nodes.size(), least_nodes) << "a node without need";
          if (least_nodes > 1) continue;
          if (name == "topo" || name == "pack") {
            ASSERT_NO_FATAL_FAILURE(ExpectCriterion(name, pool, request, subset, best));
          }
        }
      }
    }
  }
}

TEST(PolicyOracleTest, TopoIsTheBestForAnyWeights) {
  SplitMix64 random(5);
  for (int round = 0; round < 400; ++round) {
    const auto free = static_cast<unsigned>(random.NextBelow(1U << 16));
    const LeafPool pool = ClusterWithFree({2, 2, 2}, free, random);
    PolicyOptions options;
    for (int* weight : {&options.weights.link, &options.weights.numa, &options.weights.frag,
                        &options.weights.gpus}) {
      *weight = static_cast<int>(random.NextBelow(4) * random.NextBelow(60));
    }
    AllocationRequest request;
    request.leaf_count = 1 + static_cast<int>(random.NextBelow(6));
    if (random.NextBelow(3) == 0) request.max_gpus = 1 + static_cast<int>(random.NextBelow(2));
    const auto legal = LegalSubsets(pool, request);
    const auto policy = *MakePolicy("topo", options);
    const auto explanation = policy->Explain(request, pool);
    ASSERT_EQ(explanation.ok(), !legal.empty());
    if (!explanation.ok()) continue;
    const auto best = BestOf(pool, request, legal, options.weights).score;
    ASSERT_EQ(explanation->chosen.score, best) << "round " << round;
    ASSERT_EQ(explanation->chosen.allocation, *policy->Choose(request, pool));
    if (explanation->runner_up) {
      ASSERT_GT(explanation->runner_up->score, best);
    }
  }
}

// The growth of the leaves that the mix expects not to be usable.
int64_t Growth(const LeafPool& pool, const RequestMix& mix, unsigned subset) {
  LeafPool after = pool;
  EXPECT_TRUE(after.Lease(JobId("new"), ToLeaves(subset)).ok());
  int64_t growth = 0;
  for (const RequestMix::Entry& entry : mix.entries) {
    const AllocationRequest request{entry.leaf_count, Bytes(), entry.max_gpus};
    growth +=
        entry.weight * (NaiveUnusableLeaves(after, request) - NaiveUnusableLeaves(pool, request));
  }
  return growth;
}

TEST(PolicyOracleTest, MinFragTakesTheNodeWhereLeastIsLost) {
  SplitMix64 random(6);
  for (int round = 0; round < 150; ++round) {
    const LeafPool pool =
        ClusterWithFree({2, 2, 2}, static_cast<unsigned>(random.NextBelow(1U << 16)), random);
    PolicyOptions options;
    options.mix = RequestMix{};
    for (int i = 0; i < 3; ++i) {
      options.mix->entries.push_back({1 + static_cast<int>(random.NextBelow(8)),
                                      {},
                                      1 + static_cast<int64_t>(random.NextBelow(9))});
    }
    AllocationRequest request;
    request.leaf_count = 1 + static_cast<int>(random.NextBelow(6));
    const auto legal = LegalSubsets(pool, request);
    if (legal.empty()) continue;
    int64_t least = std::numeric_limits<int64_t>::max();
    for (const unsigned other : legal) least = std::min(least, Growth(pool, *options.mix, other));
    const auto chosen = (*MakePolicy("min-frag", options))->Choose(request, pool);
    ASSERT_TRUE(chosen.ok());
    ASSERT_EQ(Growth(pool, *options.mix, ToMask(*chosen)), least) << "round " << round;
  }
}

TEST(PolicyOracleTest, MinFragUnderSpanRulesIsNoWorseThanPack) {
  SplitMix64 random(7);
  int better = 0;
  for (int round = 0; round < 150; ++round) {
    const LeafPool pool =
        ClusterWithFree({1, 4, 2}, static_cast<unsigned>(random.NextBelow(1U << 16)), random);
    PolicyOptions options;
    options.mix = RequestMix{{{2, 1, 3}, {4, 1, 5}, {5, 2, 2}, {3, {}, 1}}};
    AllocationRequest request;
    request.leaf_count = 1 + static_cast<int>(random.NextBelow(4));
    const auto packed = (*MakePolicy("pack"))->Choose(request, pool);
    if (!packed.ok()) continue;
    const auto chosen = (*MakePolicy("min-frag", options))->Choose(request, pool);
    ASSERT_TRUE(chosen.ok());
    const auto growth = Growth(pool, *options.mix, ToMask(*chosen));
    const auto growth_of_pack = Growth(pool, *options.mix, ToMask(*packed));
    ASSERT_LE(growth, growth_of_pack) << "round " << round;
    if (growth < growth_of_pack) ++better;
  }
  EXPECT_GT(better, 0);
}

}  // namespace
}  // namespace flexmig::alloc
