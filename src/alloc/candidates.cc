#include "candidates.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

#include "flexmig/base/strings.h"

namespace flexmig::alloc {

namespace {

// Orders profiles by memory, then name: ids of different boards may coincide.
struct BySize {
  bool operator()(const mig::Profile* a, const mig::Profile* b) const {
    const auto key = [](const mig::Profile* p) {
      return std::tuple(p->memory.value_or(Bytes()), p->compute_slices, p->name);
    };
    return key(a) < key(b);
  }
};

// For each profile, how many leaves that satisfy `use` each GPU has.
using CountsByProfile = std::map<const mig::Profile*, std::vector<int>, BySize>;

CountsByProfile Count(const AllocationRequest& request, const LeafPool& pool,
                      const std::function<bool(const mig::Leaf&)>& use) {
  CountsByProfile counts;
  for (const mig::Leaf& leaf : pool.inventory().leaves) {
    if (leaf.profile->memory.value_or(Bytes()) < request.min_memory ||
        leaf.profile->compute_slices < request.min_compute_slices || !use(leaf)) {
      continue;
    }
    auto& by_gpu = counts[leaf.profile];
    by_gpu.resize(pool.inventory().gpus.size());
    ++by_gpu[static_cast<size_t>(leaf.gpu.value())];
  }
  return counts;
}

// The most leaves that `max_gpus` GPUs hold together.
int Capacity(std::vector<int> by_gpu, const std::optional<int>& max_gpus) {
  std::sort(by_gpu.begin(), by_gpu.end(), std::greater<>());
  if (max_gpus && static_cast<size_t>(*max_gpus) < by_gpu.size()) {
    by_gpu.resize(static_cast<size_t>(*max_gpus));
  }
  int sum = 0;
  for (const int count : by_gpu) sum += count;
  return sum;
}

// Why even the empty node could not hold the request, or ok.
Status CheckAgainstEmptyNode(const AllocationRequest& request, const LeafPool& pool) {
  const auto all = Count(request, pool, [](const mig::Leaf&) { return true; });
  int largest = 0;
  for (const auto& [profile, by_gpu] : all) {
    largest = std::max(largest, Capacity(by_gpu, request.max_gpus));
  }
  if (largest >= request.leaf_count) return OkStatus();
  if (pool.inventory().leaves.empty()) return InvalidArgumentError("this node has no leaves");
  if (all.empty()) {
    Bytes most;
    int most_slices = 0;
    for (const mig::Leaf& leaf : pool.inventory().leaves) {
      most = std::max(most, leaf.profile->memory.value_or(Bytes()));
      most_slices = std::max(most_slices, leaf.profile->compute_slices);
    }
    const bool memory = request.min_memory > Bytes();
    if (request.min_compute_slices == 0) {
      return InvalidArgumentError(StrCat("no leaf has ", FormatBytes(request.min_memory),
                                         "; the largest has ", FormatBytes(most)));
    }
    return InvalidArgumentError(
        StrCat("no leaf has ", request.min_compute_slices, " compute slices",
               memory ? StrCat(" and ", FormatBytes(request.min_memory)) : "", "; the most are ",
               most_slices, memory ? StrCat(" and ", FormatBytes(most)) : ""));
  }
  return InvalidArgumentError(
      StrCat(request.leaf_count, " leaves of one profile",
             request.min_compute_slices > 0
                 ? StrCat(" with ", request.min_compute_slices, " compute slices")
                 : "",
             request.min_memory > Bytes() ? StrCat(" with ", FormatBytes(request.min_memory)) : "",
             request.max_gpus ? StrCat(" on at most ", *request.max_gpus, " GPUs") : "",
             " are more than this node has; the largest possible number is ", largest));
}

}  // namespace

Result<std::vector<Candidates>> FindCandidates(const AllocationRequest& request,
                                               const LeafPool& pool) {
  if (request.leaf_count < 1) {
    return InvalidArgumentError(StrCat("a job needs at least 1 leaf, not ", request.leaf_count));
  }
  if (request.max_gpus && *request.max_gpus < 1) {
    return InvalidArgumentError(StrCat("a job spans at least 1 GPU, not ", *request.max_gpus));
  }
  const auto free =
      Count(request, pool, [&](const mig::Leaf& leaf) { return pool.IsFree(leaf.id); });
  std::vector<Candidates> candidates;
  int most = 0;
  for (const auto& [profile, by_gpu] : free) {
    const int capacity = Capacity(by_gpu, request.max_gpus);
    most = std::max(most, capacity);
    if (capacity < request.leaf_count) continue;
    Candidates& kind = candidates.emplace_back();
    kind.profile = profile;
    for (const auto& gpu : pool.inventory().gpus) {
      GpuCandidates on_gpu{gpu.index, {}};
      for (const mig::LeafId id : pool.FreeOn(gpu.index)) {
        if (pool.leaf(id).profile == profile) on_gpu.leaves.push_back(id);
      }
      if (!on_gpu.leaves.empty()) kind.gpus.push_back(std::move(on_gpu));
    }
  }
  if (!candidates.empty()) return candidates;
  FLEXMIG_RETURN_IF_ERROR(CheckAgainstEmptyNode(request, pool));
  return ResourceExhaustedError(
      StrCat(request.leaf_count, " leaves are not free together now; ", most, " are"));
}

Allocation TakeInOrder(const std::vector<GpuCandidates>& gpus, int leaf_count) {
  Allocation allocation;
  const auto wanted = static_cast<size_t>(leaf_count);
  for (const GpuCandidates& gpu : gpus) {
    for (const mig::LeafId id : gpu.leaves) {
      if (allocation.leaves.size() == wanted) return allocation;
      allocation.leaves.push_back(id);
    }
  }
  FLEXMIG_CHECK(allocation.leaves.size() == wanted);
  return allocation;
}

}  // namespace flexmig::alloc
