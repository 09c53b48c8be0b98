#include "flexmig/sched/request_kind.h"

#include <algorithm>

namespace flexmig::sched {

namespace {

// So many kinds without jobs are kept for the next job of theirs; more are forgotten, so that ever
// new requests do not take memory for ever.
constexpr size_t kKindsKept = 256;

bool IsCountable(const alloc::AllocationRequest& request, const mig::NodeInventory& inventory) {
  const auto gpus = static_cast<int>(inventory.gpus.size());
  if (request.max_gpus && *request.max_gpus < gpus) return false;
  if (gpus > 0 && request.max_nodes <= inventory.gpus.back().node.value()) return false;
  // The request is possible, so that a single profile also meets its floors.
  return std::all_of(inventory.leaves.begin(), inventory.leaves.end(), [&](const mig::Leaf& leaf) {
    return leaf.profile == inventory.leaves.front().profile;
  });
}

}  // namespace

RequestKind& RequestKinds::Of(const alloc::AllocationRequest& request,
                              const alloc::AllocationPolicy& policy, const alloc::LeafPool& pool) {
  if (const auto known = kinds_.find(request); known != kinds_.end()) return known->second;
  if (kinds_.size() >= kKindsKept) ForgetUnused();
  RequestKind& kind = kinds_[request];
  kind.request = request;
  kind.ordinal = seen_++;
  const auto chosen = policy.Choose(request, pool);
  if (!chosen.ok() && chosen.status().code() != StatusCode::kResourceExhausted) {
    kind.impossible = chosen.status();
  } else {
    kind.countable = IsCountable(request, pool.inventory());
  }
  return kind;
}

void RequestKinds::ForgetUnused() {
  std::erase_if(kinds_, [](const auto& entry) { return entry.second.jobs == 0; });
}

}  // namespace flexmig::sched
