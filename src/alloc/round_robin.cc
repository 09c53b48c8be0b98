// round-robin: leaf by leaf over the GPUs in turn, beginning behind the GPU that got the last leaf
// of the last lease (LeafPool::last_leased_gpu): wears and loads GPUs evenly without looking at
// them.
//
// The node is the first in turn that can hold the job. With a span rule the first GPUs in turn may
// not hold enough; then, as in first-fit, the poorest of those chosen is given up for the next.
// Cost: O(log nodes + n log GPUs) for n leaves; with a span rule O(GPUs of a node).

#include <algorithm>

#include "policies.h"
#include "problem.h"

namespace flexmig::alloc {

namespace {

class RoundRobin final : public PlacingPolicy {
 public:
  std::string_view name() const override { return "round-robin"; }
  std::string_view rule() const override {
    return "leaf by leaf over the GPUs in turn, behind the last lease";
  }

 protected:
  void Place(const Problem& problem, std::vector<mig::LeafId>& leaves) const override {
    const LeafIndex& index = problem.index();
    const auto last = problem.pool.last_leased_gpu();
    int turn = last ? last->value() + 1 : 0;
    if (turn == static_cast<int>(index.nodes().node_of.size())) turn = 0;
    const int first_node = index.nodes().node_of[static_cast<size_t>(turn)];
    int node = problem.node;
    if (node == Problem::kAnyNode) {
      node = index.LowestNode(problem.leaf_count, problem.max_gpus, first_node);
      if (node == LeafIndex::kNone) node = index.LowestNode(problem.leaf_count, problem.max_gpus);
    }
    if (node != first_node) turn = problem.FirstGpu(node);

    const int end = problem.EndGpu(node);
    int gpu = turn;
    const auto next = [&](GpuShare& share) {
      share.gpu = index.NextGpu(gpu);
      if (share.gpu == LeafIndex::kNone || share.gpu >= end) {
        share.gpu = index.NextGpu(problem.FirstGpu(node));
      }
      share.count = index.FreeOn(share.gpu);
      gpu = share.gpu + 1;
    };
    std::vector<GpuShare> gpus;
    if (problem.max_gpus < problem.leaf_count) {
      gpus = TakeUnderSpan(problem.leaf_count, problem.max_gpus, next);
    } else {
      // One leaf each on as many GPUs as there are leaves, or on all that have one.
      for (int i = 0; i < problem.leaf_count; ++i) {
        GpuShare share;
        next(share);
        if (!gpus.empty() && share.gpu == gpus.front().gpu) break;
        gpus.push_back(share);
      }
    }
    for (GpuShare& share : gpus) share.count = 0;
    Deal(problem, gpus);
    for (const GpuShare share : gpus) problem.Take(share, leaves);
  }
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakeRoundRobin() { return std::make_unique<RoundRobin>(); }

}  // namespace flexmig::alloc
