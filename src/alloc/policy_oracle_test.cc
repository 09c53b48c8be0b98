// Every policy on every small case, against brute force over all subsets of the free leaves.

#include <algorithm>
#include <bit>
#include <set>

#include <gtest/gtest.h>

#include "flexmig/alloc/policy.h"
#include "flexmig/base/strings.h"

namespace flexmig::alloc {
namespace {

using mig::LeafId;

// 3 GPUs of an A30 with 4, 4 and 4 leaves: 2^12 patterns of free leaves.
constexpr int kGpus = 3;
constexpr int kPerGpu = 4;
constexpr int kLeaves = kGpus * kPerGpu;

const mig::NodeInventory& Node() {
  static const mig::NodeInventory node = [] {
    const mig::GpuModel& model = **mig::FindGpuModel("a30");
    return mig::NodeInventory::Uniform(model, kGpus, *mig::UniformLayout(model, "1g.6gb"));
  }();
  return node;
}

LeafPool PoolWithFree(unsigned free) {
  LeafPool pool(Node());
  std::vector<LeafId> busy;
  for (int id = 0; id < kLeaves; ++id) {
    if ((free >> id & 1) == 0) busy.emplace_back(id);
  }
  EXPECT_EQ(pool.Lease(JobId("others"), busy).ok(), !busy.empty());
  return pool;
}

struct Shape {
  int gpus = 0;        // that the subset touches
  int bottleneck = 0;  // most leaves on one GPU
};

Shape ShapeOf(unsigned subset) {
  Shape shape;
  constexpr unsigned kGpuMask = (1U << kPerGpu) - 1;
  for (int gpu = 0; gpu < kGpus; ++gpu) {
    const unsigned here = subset >> (gpu * kPerGpu) & kGpuMask;
    if (here == 0) continue;
    ++shape.gpus;
    shape.bottleneck = std::max(shape.bottleneck, std::popcount(here));
  }
  return shape;
}

// The best value of each criterion over all subsets of `free` with n leaves on <= max_gpus GPUs.
struct Best {
  bool exists = false;
  Shape least{kGpus + 1, kPerGpu + 1};
  int most_gpus = 0;
  unsigned lowest = 0;  // the subset whose leaves are lowest
};

Best BruteForce(unsigned free, int n, int max_gpus) {
  Best best;
  for (unsigned subset = free; subset > 0; subset = (subset - 1) & free) {
    if (std::popcount(subset) != n) continue;
    const Shape shape = ShapeOf(subset);
    if (shape.gpus > max_gpus) continue;
    // Among equally many leaves the lower ones make the smaller number: subsets come descending.
    best.lowest = subset;
    best.exists = true;
    best.least.gpus = std::min(best.least.gpus, shape.gpus);
    best.least.bottleneck = std::min(best.least.bottleneck, shape.bottleneck);
    best.most_gpus = std::max(best.most_gpus, shape.gpus);
  }
  return best;
}

TEST(PolicyOracleTest, EveryPolicyIsRightOnEverySmallCase) {
  for (unsigned free = 0; free < 1U << kLeaves; ++free) {
    const LeafPool pool = PoolWithFree(free);
    for (int n = 1; n <= 9; n += n < 4 ? 1 : 2) {
      for (int max_gpus = 1; max_gpus <= kGpus; ++max_gpus) {
        const Best best = BruteForce(free, n, max_gpus);
        AllocationRequest request{n, Bytes(), max_gpus};
        if (max_gpus == kGpus) request.max_gpus.reset();
        for (const std::string& name : PolicyNames()) {
          SCOPED_TRACE(StrCat(name, " free=", free, " n=", n, " max_gpus=", max_gpus));
          const auto policy = *MakePolicy(name);
          const auto chosen = policy->Choose(request, pool);
          ASSERT_EQ(chosen.ok(), best.exists);
          if (!chosen.ok()) {
            ASSERT_EQ(chosen.status().code(), n > max_gpus * kPerGpu
                                                  ? StatusCode::kInvalidArgument
                                                  : StatusCode::kResourceExhausted);
            continue;
          }
          unsigned subset = 0;
          for (const LeafId id : chosen->leaves) subset |= 1U << id.value();
          ASSERT_EQ(chosen->leaves.size(), static_cast<size_t>(n));
          ASSERT_EQ(std::popcount(subset), n) << "a leaf twice";
          ASSERT_EQ(subset & ~free, 0U) << "a leaf that is not free";
          const Shape shape = ShapeOf(subset);
          ASSERT_LE(shape.gpus, max_gpus);
          if (name == "pack") {
            ASSERT_EQ(shape.gpus, best.least.gpus);
          } else if (name == "spread") {
            ASSERT_EQ(shape.bottleneck, best.least.bottleneck);
            ASSERT_EQ(shape.gpus, best.most_gpus);
          } else if (max_gpus == kGpus) {
            ASSERT_EQ(subset, best.lowest);
          }
          ASSERT_EQ(*policy->Choose(request, pool), *chosen) << "equal inputs, equal results";
        }
      }
    }
  }
}

TEST(PolicyOracleTest, RanksAreGroupedByGpuAndOrderedOnIt) {
  for (unsigned free = 1; free < 1U << kLeaves; free += 7) {
    const LeafPool pool = PoolWithFree(free);
    for (const std::string& name : PolicyNames()) {
      const auto chosen = (*MakePolicy(name))->Choose({std::popcount(free), {}, {}}, pool);
      ASSERT_TRUE(chosen.ok());
      std::set<mig::GpuIndex> left;
      for (size_t i = 1; i < chosen->leaves.size(); ++i) {
        const mig::Leaf& before = pool.leaf(chosen->leaves[i - 1]);
        const mig::Leaf& here = pool.leaf(chosen->leaves[i]);
        if (here.gpu == before.gpu) {
          ASSERT_LT(before.placement.start, here.placement.start);
        } else {
          ASSERT_TRUE(left.insert(before.gpu).second);
          ASSERT_FALSE(left.contains(here.gpu)) << "came back to a GPU";
        }
      }
    }
  }
}

}  // namespace
}  // namespace flexmig::alloc
