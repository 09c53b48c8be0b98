#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "flexmig/alloc/policy.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/layout.h"

namespace flexmig::sim {

// Chooses where on a GPU the next instance is created, around those that are there: the smallest
// profile that will do, at the placement which takes least from the GPU's flexibility. That is the
// sum, over all instances that could still be created next, of their compute slices. Ties break by
// GPU index, then placement start. Several instances are whole GPUs: the first empty ones of the
// first node that has enough; over nodes, as far as the request allows it, those of the nodes with
// the most, and the rest on the node with the fewest that suffice.
//
// For a pool that has every placement of every profile as a leaf, GPU after GPU in the order of
// `placements`; of these, leased ones are the instances that are there. Cost: O(GPUs x placements).
class FlexiblePlacement final : public alloc::AllocationPolicy {
 public:
  // `profiles` and `placements` as of ProfilesBySlices and PlacementsOf; at most 64 placements.
  FlexiblePlacement(const mig::GpuModel& model, std::vector<const mig::Profile*> profiles,
                    mig::MigLayout placements);

  [[nodiscard]] std::string_view name() const override { return "flexible-placement"; }
  [[nodiscard]] Result<alloc::Allocation> Choose(const alloc::AllocationRequest& request,
                                                 const alloc::LeafPool& pool) const override;

 private:
  // A GPU's instances: bit i for placements_[i].
  using Instances = uint64_t;
  // The best next placement of one profile.
  struct Next {
    int placement = -1;  // index, -1 if there is none
    int loss = 0;        // of flexibility
  };
  struct State {
    int flexibility = 0;
    std::vector<Next> next;  // by compute slices of the profile
  };

  void FindStates(const mig::GpuModel& model);
  [[nodiscard]] Instances InstancesOn(size_t gpu, const alloc::LeafPool& pool) const;
  [[nodiscard]] Result<alloc::Allocation> ChooseWholeGpus(const alloc::AllocationRequest& request,
                                                          const alloc::LeafPool& pool) const;
  [[nodiscard]] mig::LeafId LeafOf(size_t gpu, int placement) const {
    return mig::LeafId(static_cast<int>(gpu * placements_.size()) + placement);
  }
  // Index into profiles_. Errors: kInvalidArgument if the board has no such instance.
  [[nodiscard]] Result<size_t> SizeOf(const alloc::AllocationRequest& request) const;

  const std::vector<const mig::Profile*> profiles_;
  const mig::MigLayout placements_;
  std::unordered_map<Instances, State> states_;  // every legal layout
};

}  // namespace flexmig::sim
