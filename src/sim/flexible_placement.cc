#include "flexible_placement.h"

#include <algorithm>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::sim {

FlexiblePlacement::FlexiblePlacement(const mig::GpuModel& model,
                                     std::vector<const mig::Profile*> profiles,
                                     mig::MigLayout placements)
    : profiles_(std::move(profiles)), placements_(std::move(placements)) {
  FLEXMIG_CHECK(placements_.size() <= 64);
  FindStates(model);
}

void FlexiblePlacement::FindStates(const mig::GpuModel& model) {
  const auto use = [&](const mig::Profile& profile) {
    return std::find(profiles_.begin(), profiles_.end(), &profile) != profiles_.end();
  };
  mig::EnumerateLayouts(model, use, [&](std::span<const mig::PlacedProfile> layout) {
    Instances instances = 0;
    for (const mig::PlacedProfile& placed : layout) {
      const auto at = std::lower_bound(placements_.begin(), placements_.end(), placed);
      instances |= Instances{1} << (at - placements_.begin());
    }
    states_.emplace(instances, State());
  });
  const auto slices_of = [&](size_t placement) {
    return model.FindProfile(placements_[placement].profile)->compute_slices;
  };
  const auto with = [&](Instances instances, size_t placement) {
    const Instances bit = Instances{1} << placement;
    return (instances & bit) == 0 ? states_.find(instances | bit) : states_.end();
  };
  for (auto& [instances, state] : states_) {
    for (size_t i = 0; i < placements_.size(); ++i) {
      if (with(instances, i) != states_.end()) state.flexibility += slices_of(i);
    }
  }
  for (auto& [instances, state] : states_) {
    state.next.resize(profiles_.size());
    for (size_t i = 0; i < placements_.size(); ++i) {
      const auto after = with(instances, i);
      if (after == states_.end()) continue;
      Next& next = state.next[static_cast<size_t>(slices_of(i))];
      const int loss = state.flexibility - after->second.flexibility;
      if (next.placement < 0 || loss < next.loss) next = {static_cast<int>(i), loss};
    }
  }
}

Result<alloc::Allocation> FlexiblePlacement::Choose(const alloc::AllocationRequest& request,
                                                    const alloc::LeafPool& pool) const {
  const size_t gpus = pool.inventory().gpus.size();
  FLEXMIG_ASSIGN_OR_RETURN(const size_t size, SizeOf(request));
  if (static_cast<size_t>(request.leaf_count) > gpus) {
    return InvalidArgumentError(
        StrCat(request.leaf_count, " instances are wanted of ", gpus, " GPUs"));
  }
  const auto leaf = [&](size_t gpu, int placement) {
    return mig::LeafId(static_cast<int>(gpu * placements_.size()) + placement);
  };
  alloc::Allocation allocation;
  if (request.leaf_count > 1) {
    for (size_t gpu = 0; gpu < gpus; ++gpu) {
      if (InstancesOn(gpu, pool) != 0) continue;
      allocation.leaves.push_back(leaf(gpu, states_.at(0).next[size].placement));
      if (allocation.leaves.size() == static_cast<size_t>(request.leaf_count)) return allocation;
    }
    return ResourceExhaustedError(StrCat(allocation.leaves.size(), " GPUs are empty"));
  }
  Next best;
  size_t best_gpu = 0;
  for (size_t gpu = 0; gpu < gpus; ++gpu) {
    const Next& next = states_.at(InstancesOn(gpu, pool)).next[size];
    if (next.placement < 0 || (best.placement >= 0 && next.loss >= best.loss)) continue;
    best = next;
    best_gpu = gpu;
  }
  if (best.placement < 0) {
    return ResourceExhaustedError(StrCat("no GPU has room for a ", profiles_[size]->name));
  }
  allocation.leaves.push_back(leaf(best_gpu, best.placement));
  return allocation;
}

FlexiblePlacement::Instances FlexiblePlacement::InstancesOn(size_t gpu,
                                                            const alloc::LeafPool& pool) const {
  const size_t first = gpu * placements_.size();
  Instances instances = 0;
  for (size_t i = 0; i < placements_.size(); ++i) {
    if (!pool.IsFree(mig::LeafId(static_cast<int>(first + i)))) instances |= Instances{1} << i;
  }
  return instances;
}

Result<size_t> FlexiblePlacement::SizeOf(const alloc::AllocationRequest& request) const {
  auto size = static_cast<size_t>(std::max(request.min_compute_slices, 1));
  while (size < profiles_.size() &&
         (profiles_[size] == nullptr ||
          profiles_[size]->memory.value_or(Bytes()) < request.min_memory)) {
    ++size;
  }
  if (size < profiles_.size() && request.leaf_count >= 1 &&
      (request.leaf_count == 1 || size + 1 == profiles_.size())) {
    return size;
  }
  return InvalidArgumentError(StrCat("no instance has ", request.min_compute_slices,
                                     " compute slices and ", FormatBytes(request.min_memory)));
}

}  // namespace flexmig::sim
