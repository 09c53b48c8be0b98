// pack: as few GPUs as possible, and among those the fullest, so that empty GPUs stay empty for
// wide jobs.
//
// The fewest GPUs come from taking the richest first: k GPUs suffice exactly if the k with the most
// free leaves do. The last one taken need not be the richest that is left: the tightest that still
// holds the rest is better. Ties go to the lower GpuIndex.
// Cost: O(leaves + G log G) for G GPUs.

#include <algorithm>

#include "candidates.h"
#include "policies.h"

namespace flexmig::alloc {

namespace {

class Pack : public AllocationPolicy {
 public:
  std::string_view name() const override { return "pack"; }

  Result<Allocation> Choose(const AllocationRequest& request, const LeafPool& pool) const override {
    FLEXMIG_ASSIGN_OR_RETURN(auto candidates, FindCandidates(request, pool));
    auto& gpus = candidates.front().gpus;
    std::stable_sort(gpus.begin(), gpus.end(), [](const GpuCandidates& a, const GpuCandidates& b) {
      return a.leaves.size() > b.leaves.size();
    });
    std::vector<GpuCandidates> chosen;
    auto rest = static_cast<size_t>(request.leaf_count);
    for (auto next = gpus.begin(); rest > 0; ++next) {
      if (next->leaves.size() < rest) {
        rest -= next->leaves.size();
        chosen.push_back(*next);
        continue;
      }
      // [next, last) holds enough each; the tightest of them, the lowest index first.
      const auto last = std::find_if(
          next, gpus.end(), [&](const GpuCandidates& gpu) { return gpu.leaves.size() < rest; });
      chosen.push_back(
          *std::min_element(next, last, [](const GpuCandidates& a, const GpuCandidates& b) {
            return a.leaves.size() < b.leaves.size();
          }));
      rest = 0;
    }
    return TakeInOrder(chosen, request.leaf_count);
  }
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakePack() { return std::make_unique<Pack>(); }

}  // namespace flexmig::alloc
