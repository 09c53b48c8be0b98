// pack: as few GPUs as possible, and among those the fullest, so that empty GPUs stay empty for
// wide jobs.
//
// The fewest GPUs come from taking the richest first: k GPUs suffice exactly if the k with the most
// free leaves do. The last one taken need not be the richest that is left: the tightest that still
// holds the rest is better. Ties go to the lower GpuIndex. Among nodes that can do with equally few
// GPUs, the one with the fewest free leaves; only the first kNodesTried in that order are looked
// at. A job of 8 and more GPUs takes the node with the fewest free leaves that can hold it. Cost:
// O(log nodes + GPUs used x log GPUs).

#include <algorithm>

#include "policies.h"
#include "problem.h"

namespace flexmig::alloc {

namespace {

constexpr int kNodesTried = 64;
constexpr int kGpusCounted = static_cast<int>(CapacityTree::kLanes) - 1;

class Pack final : public PlacingPolicy {
 public:
  std::string_view name() const override { return "pack"; }
  std::string_view rule() const override { return "the fewest GPUs, and of those the fullest"; }

 protected:
  void Place(const Problem& problem, std::vector<mig::LeafId>& leaves) const override {
    const LeafIndex& index = problem.index();
    if (problem.node == Problem::kAnyNode && problem.leaf_count <= index.most_on_gpu()) {
      const int gpu = index.TightestGpu(problem.leaf_count);
      if (gpu != LeafIndex::kNone) {
        problem.Take({gpu, problem.leaf_count}, leaves);
        return;
      }
    }
    const int node = problem.node == Problem::kAnyNode ? PackingNode(problem) : problem.node;
    std::vector<GpuShare> shares;
    PackOnNode(problem, node, shares);
    for (const GpuShare share : shares) problem.Take(share, leaves);
  }
};

}  // namespace

int PackingNode(const Problem& problem) {
  const LeafIndex& index = problem.index();
  const int n = problem.leaf_count;
  for (int gpus = 1; gpus <= std::min(problem.max_gpus, kGpusCounted); ++gpus) {
    if (index.MostOnNode(gpus) >= n) return index.TightestNode(n, gpus, kNodesTried);
  }
  return index.TightestNode(n, problem.max_gpus, kNodesTried);
}

void PackOnNode(const Problem& problem, int node, std::vector<GpuShare>& shares) {
  const LeafIndex& index = problem.index();
  const int end = problem.EndGpu(node);
  int rest = problem.leaf_count;
  int gpu = problem.FirstGpu(node) - 1;
  for (int free = index.most_on_gpu(); free > 0; --free) {
    if (index.GpusWith(node, free) == 0) continue;
    for (gpu = problem.FirstGpu(node) - 1; free < rest; rest -= free) {
      gpu = index.NextGpuWith(free, gpu + 1, end);
      if (gpu == LeafIndex::kNone) break;
      shares.push_back({gpu, free});
    }
    if (free < rest) continue;
    // Any that is left with `free` would do; a tighter one is better. Tighter ones are all left.
    for (int tight = rest; tight <= free; ++tight) {
      if (index.GpusWith(node, tight) == 0) continue;
      const int first = tight == free ? gpu + 1 : problem.FirstGpu(node);
      const int last = index.NextGpuWith(tight, first, end);
      if (last == LeafIndex::kNone) continue;
      shares.push_back({last, rest});
      return;
    }
  }
  FLEXMIG_CHECK(false && "the node does not hold the leaves");
}

std::unique_ptr<AllocationPolicy> MakePack() { return std::make_unique<Pack>(); }

}  // namespace flexmig::alloc
