// best-fit: the smallest leaf that suffices, on the GPU with the fewest free memory slices. For
// one-to-one baselines, where instances of several sizes stand side by side: it keeps emptier GPUs
// for larger jobs.
//
// Leaf by leaf for jobs of several (by_pattern.h). Cost: O(n (patterns + n)) for n leaves.

#include "by_pattern.h"
#include "policies.h"

namespace flexmig::alloc {

namespace {

PatternChoice LeastFree(const PatternIndex::Pattern& pattern, const PatternIndex::Taking& taking) {
  return {{pattern.free_slices, 0}, taking.lowest};
}

class BestFit final : public PlacingPolicy {
 public:
  std::string_view name() const override { return "best-fit"; }
  std::string_view rule() const override {
    return "the smallest leaf that suffices, on the GPU with the fewest free memory slices";
  }

 protected:
  void Place(const Problem& problem, std::vector<mig::LeafId>& leaves) const override {
    PlaceByPattern(problem, LeastFree, leaves);
  }
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakeBestFit() { return std::make_unique<BestFit>(); }

}  // namespace flexmig::alloc
