#include "flexmig/sched/request_kind.h"

#include <algorithm>

namespace flexmig::sched {

namespace {

// So many kinds without jobs are kept for the next job of theirs; more are forgotten, so that ever
// new requests do not take memory for ever.
constexpr size_t kKindsKept = 256;

// Sets countable and countable_on_nodes of a request that is possible.
void SetCountable(RequestKind& kind, const mig::NodeInventory& inventory) {
  // A single profile also meets the floors.
  const bool one_profile = std::all_of(
      inventory.leaves.begin(), inventory.leaves.end(),
      [&](const mig::Leaf& leaf) { return leaf.profile == inventory.leaves.front().profile; });
  const auto gpus = static_cast<int>(inventory.gpus.size());
  if (!one_profile || (kind.request.max_gpus && *kind.request.max_gpus < gpus)) return;
  const int nodes = gpus == 0 ? 1 : inventory.gpus.back().node.value() + 1;
  kind.countable = kind.request.max_nodes >= nodes;
  kind.countable_on_nodes = !kind.countable && kind.request.max_nodes == 1;
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
    SetCountable(kind, pool.inventory());
  }
  return kind;
}

void RequestKinds::ForgetUnused() {
  std::erase_if(kinds_, [](const auto& entry) { return entry.second.jobs == 0; });
}

}  // namespace flexmig::sched
