// spread: over as many GPUs as allowed, evenly, because each GPU's host link is shared by its
// leaves: the time of a collective follows the GPU with the most ranks.
//
// Leaves are dealt one at a time to the GPU that has the fewest of this job's leaves, then the most
// free ones left, then the lower GpuIndex. With a span rule only the GPUs richest in free leaves
// take part. Cost: O(leaves + n G) for n leaves asked for on G GPUs.

#include <algorithm>

#include "candidates.h"
#include "policies.h"

namespace flexmig::alloc {

namespace {

class Spread : public AllocationPolicy {
 public:
  std::string_view name() const override { return "spread"; }

  Result<Allocation> Choose(const AllocationRequest& request, const LeafPool& pool) const override {
    FLEXMIG_ASSIGN_OR_RETURN(auto candidates, FindCandidates(request, pool));
    auto& gpus = candidates.front().gpus;
    if (request.max_gpus && static_cast<size_t>(*request.max_gpus) < gpus.size()) {
      const auto richer = [](const GpuCandidates& a, const GpuCandidates& b) {
        return a.leaves.size() > b.leaves.size();
      };
      std::stable_sort(gpus.begin(), gpus.end(), richer);
      gpus.resize(static_cast<size_t>(*request.max_gpus));
      std::sort(gpus.begin(), gpus.end(),
                [](const GpuCandidates& a, const GpuCandidates& b) { return a.gpu < b.gpu; });
    }
    std::vector<size_t> taken(gpus.size(), 0);
    for (int i = 0; i < request.leaf_count; ++i) {
      size_t best = gpus.size();
      for (size_t g = 0; g < gpus.size(); ++g) {
        const size_t left = gpus[g].leaves.size() - taken[g];
        if (left == 0) continue;
        if (best == gpus.size() || taken[g] < taken[best] ||
            (taken[g] == taken[best] && left > gpus[best].leaves.size() - taken[best])) {
          best = g;
        }
      }
      ++taken[best];
    }
    for (size_t g = 0; g < gpus.size(); ++g) gpus[g].leaves.resize(taken[g]);
    return TakeInOrder(gpus, request.leaf_count);
  }
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakeSpread() { return std::make_unique<Spread>(); }

}  // namespace flexmig::alloc
