// largest-free-run: the smallest leaf that suffices, where it shortens the GPU's largest run of
// adjacent free memory slices least; of equals on the GPU with the fewest free memory slices. For
// one-to-one baselines: large instances need adjacent slices, so this keeps room for them when
// instances are created around running ones.
//
// Leaf by leaf for jobs of several (by_pattern.h). Cost: O(n (patterns + n)) for n leaves.

#include "by_pattern.h"
#include "policies.h"

namespace flexmig::alloc {

namespace {

PatternChoice LeastShortened(const PatternIndex::Pattern& pattern,
                             const PatternIndex::Taking& taking) {
  return {{pattern.largest_run - taking.run_after, pattern.free_slices}, taking.sparing};
}

class LargestFreeRun final : public PlacingPolicy {
 public:
  std::string_view name() const override { return "largest-free-run"; }
  std::string_view rule() const override {
    return "where the largest run of free memory slices of a GPU is shortened least";
  }

 protected:
  void Place(const Problem& problem, std::vector<mig::LeafId>& leaves) const override {
    PlaceByPattern(problem, LeastShortened, leaves);
  }
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakeLargestFreeRun() {
  return std::make_unique<LargestFreeRun>();
}

}  // namespace flexmig::alloc
