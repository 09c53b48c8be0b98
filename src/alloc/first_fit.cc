// first-fit: the lowest node that can hold the job, and there the lowest free leaves, by GPU and
// placement.
//
// With a span rule the lowest GPUs may not hold enough; then the GPU with the fewest leaves among
// those chosen is given up for the next one until they do.
// Cost: O(log nodes + GPUs used x log GPUs); with a span rule O(GPUs of a node).

#include <algorithm>

#include "policies.h"
#include "problem.h"

namespace flexmig::alloc {

namespace {

class FirstFit final : public PlacingPolicy {
 public:
  std::string_view name() const override { return "first-fit"; }
  std::string_view rule() const override { return "the lowest free leaves of the lowest node"; }

 protected:
  void Place(const Problem& problem, std::vector<mig::LeafId>& leaves) const override {
    const LeafIndex& index = problem.index();
    int gpu = 0;
    const auto next = [&](GpuShare& share) {
      share.gpu = index.NextGpu(gpu);
      share.count = index.FreeOn(share.gpu);
      gpu = share.gpu + 1;
    };
    gpu = problem.FirstGpu(NodeFor(problem));
    int rest = problem.leaf_count;
    if (problem.max_gpus == LeafIndex::kAnyGpus) {
      while (rest > 0) {
        GpuShare share;
        next(share);
        share.count = std::min(share.count, rest);
        problem.Take(share, leaves);
        rest -= share.count;
      }
      return;
    }
    for (GpuShare share : TakeUnderSpan(rest, problem.max_gpus, next)) {
      share.count = std::min(share.count, rest);
      problem.Take(share, leaves);
      rest -= share.count;
    }
  }

 private:
  static int NodeFor(const Problem& problem) {
    if (problem.node != Problem::kAnyNode) return problem.node;
    const LeafIndex& index = problem.index();
    // The node of the lowest free leaf will do as a rule.
    const int first = index.nodes().node_of[static_cast<size_t>(index.NextGpu(0))];
    if (index.Capacity(first, problem.max_gpus) >= problem.leaf_count) return first;
    return index.LowestNode(problem.leaf_count, problem.max_gpus, first + 1);
  }
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakeFirstFit() { return std::make_unique<FirstFit>(); }

}  // namespace flexmig::alloc
