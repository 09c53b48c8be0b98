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
  FLEXMIG_ASSIGN_OR_RETURN(const size_t size, SizeOf(request));
  if (request.leaf_count > 1) return ChooseWholeGpus(request, pool);
  Next best;
  size_t best_gpu = 0;
  for (size_t gpu = 0; gpu < pool.inventory().gpus.size(); ++gpu) {
    const Next& next = states_.at(InstancesOn(gpu, pool)).next[size];
    if (next.placement < 0 || (best.placement >= 0 && next.loss >= best.loss)) continue;
    best = next;
    best_gpu = gpu;
  }
  if (best.placement < 0) {
    return ResourceExhaustedError(StrCat("no GPU has room for a ", profiles_[size]->name));
  }
  return alloc::Allocation{{LeafOf(best_gpu, best.placement)}};
}

Result<alloc::Allocation> FlexiblePlacement::ChooseWholeGpus(
    const alloc::AllocationRequest& request, const alloc::LeafPool& pool) const {
  const alloc::NodeMap& nodes = pool.nodes();
  const int most_nodes = std::min(request.max_nodes, nodes.node_count());
  const int most = most_nodes * nodes.most_gpus;
  if (request.leaf_count > most) {
    return InvalidArgumentError(
        StrCat(request.leaf_count, " whole GPUs are more than ",
               most_nodes == 1 ? std::string("a node has") : StrCat(most_nodes, " nodes have"),
               "; the largest possible number is ", most));
  }
  const auto wanted = static_cast<size_t>(request.leaf_count);
  alloc::Allocation allocation;
  const auto take = [&](const std::vector<size_t>& gpus) {
    for (size_t i = 0; i < gpus.size() && allocation.leaves.size() < wanted; ++i) {
      allocation.leaves.push_back(LeafOf(gpus[i], states_.at(0).next.back().placement));
    }
  };
  std::vector<std::vector<size_t>> empty;  // GPUs by node
  for (size_t node = 0; node + 1 < nodes.first_gpu.size(); ++node) {
    std::vector<size_t>& gpus = empty.emplace_back();
    const auto end = static_cast<size_t>(nodes.first_gpu[node + 1]);
    for (auto gpu = static_cast<size_t>(nodes.first_gpu[node]); gpu < end; ++gpu) {
      if (InstancesOn(gpu, pool) == 0) gpus.push_back(gpu);
      if (gpus.size() < wanted) continue;
      take(gpus);
      return allocation;
    }
  }
  std::stable_sort(empty.begin(), empty.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (int node = 0; node < most_nodes; ++node) {
    const size_t rest = wanted - allocation.leaves.size();
    auto taken = empty.begin() + node;
    for (auto at = taken; at != empty.end() && at->size() >= rest; ++at) {
      if (at->size() < taken->size()) taken = at;
    }
    take(*taken);
    if (allocation.leaves.size() == wanted) return allocation;
  }
  return ResourceExhaustedError(
      StrCat(wanted, " GPUs are not empty together now; ", allocation.leaves.size(), " are"));
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
