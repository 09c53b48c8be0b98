// spread: over as many GPUs as allowed, evenly, because each GPU's host link is shared by its
// leaves: the time of a collective follows the GPU with the most ranks.
//
// Leaves are dealt one at a time to the GPU that has the fewest of this job's leaves, then the most
// free ones left, then the lower GpuIndex. With a span rule only the GPUs richest in free leaves
// take part. Of several nodes the one that can give most, the lowest of equals.
// Cost: O(log nodes + n log GPUs) for n leaves.

#include <algorithm>

#include "policies.h"
#include "problem.h"

namespace flexmig::alloc {

namespace {

class Spread final : public PlacingPolicy {
 public:
  std::string_view name() const override { return "spread"; }
  std::string_view rule() const override { return "evenly over as many GPUs as allowed"; }

 protected:
  void Place(const Problem& problem, std::vector<mig::LeafId>& leaves) const override {
    const LeafIndex& index = problem.index();
    int node = problem.node;
    if (node == Problem::kAnyNode) {
      node = index.LowestNode(index.MostOnNode(problem.max_gpus), problem.max_gpus);
    }
    // Every GPU gets a leaf before one gets two, so more GPUs than leaves are of no use.
    const int most_gpus = std::min(problem.leaf_count, problem.max_gpus);
    std::vector<GpuShare> gpus;
    for (int free = index.most_on_gpu(); free > 0; --free) {
      if (index.GpusWith(node, free) == 0) continue;
      int gpu = problem.FirstGpu(node) - 1;
      while (static_cast<int>(gpus.size()) < most_gpus) {
        gpu = index.NextGpuWith(free, gpu + 1, problem.EndGpu(node));
        if (gpu == LeafIndex::kNone) break;
        gpus.push_back({gpu, 0});
      }
    }
    Deal(problem, gpus);
    std::sort(gpus.begin(), gpus.end(),
              [](const GpuShare& a, const GpuShare& b) { return a.gpu < b.gpu; });
    for (const GpuShare share : gpus) problem.Take(share, leaves);
  }
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakeSpread() { return std::make_unique<Spread>(); }

}  // namespace flexmig::alloc
