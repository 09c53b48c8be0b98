// first-fit: the lowest free leaves, by GPU and placement.
//
// With a span rule the lowest GPUs may not hold enough; then the GPU with the fewest leaves among
// those chosen is given up for the next one until they do.
// Cost: O(leaves of the node).

#include <algorithm>

#include "candidates.h"
#include "policies.h"

namespace flexmig::alloc {

namespace {

class FirstFit : public AllocationPolicy {
 public:
  std::string_view name() const override { return "first-fit"; }

  Result<Allocation> Choose(const AllocationRequest& request, const LeafPool& pool) const override {
    FLEXMIG_ASSIGN_OR_RETURN(const auto candidates, FindCandidates(request, pool));
    const auto& gpus = candidates.front().gpus;
    if (!request.max_gpus) return TakeInOrder(gpus, request.leaf_count);
    std::vector<GpuCandidates> chosen;
    size_t held = 0;
    for (const GpuCandidates& gpu : gpus) {
      chosen.push_back(gpu);
      held += gpu.leaves.size();
      if (chosen.size() > static_cast<size_t>(*request.max_gpus)) {
        const auto poorest = std::min_element(chosen.begin(), chosen.end(),
                                              [](const GpuCandidates& a, const GpuCandidates& b) {
                                                return a.leaves.size() < b.leaves.size();
                                              });
        held -= poorest->leaves.size();
        chosen.erase(poorest);
      }
      if (held >= static_cast<size_t>(request.leaf_count)) break;
    }
    return TakeInOrder(chosen, request.leaf_count);
  }
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakeFirstFit() { return std::make_unique<FirstFit>(); }

}  // namespace flexmig::alloc
