#include "flexmig/alloc/leaf_pool.h"

#include <algorithm>

#include "flexmig/base/strings.h"

namespace flexmig::alloc {

namespace {

size_t Index(mig::LeafId id) { return static_cast<size_t>(id.value()); }
size_t Index(mig::GpuIndex gpu) { return static_cast<size_t>(gpu.value()); }

}  // namespace

LeafPool::LeafPool(mig::NodeInventory inventory)
    : inventory_(std::move(inventory)),
      states_(inventory_.leaves.size()),
      free_on_(inventory_.gpus.size()) {
  for (const mig::Leaf& leaf : inventory_.leaves) {
    // Ids follow (gpu, start), so appending keeps every list sorted by placement.
    free_on_[Index(leaf.gpu)].push_back(leaf.id);
    ++free_count_;
  }
}

int LeafPool::free_count(mig::GpuIndex gpu) const { return static_cast<int>(FreeOn(gpu).size()); }

const std::vector<mig::LeafId>& LeafPool::FreeOn(mig::GpuIndex gpu) const {
  FLEXMIG_CHECK(gpu.value() >= 0 && Index(gpu) < free_on_.size());
  return free_on_[Index(gpu)];
}

bool LeafPool::IsFree(mig::LeafId leaf) const {
  FLEXMIG_CHECK(leaf.value() >= 0 && Index(leaf) < states_.size());
  return !states_[Index(leaf)].holder && !states_[Index(leaf)].lost;
}

std::optional<JobId> LeafPool::HolderOf(mig::LeafId leaf) const {
  FLEXMIG_CHECK(leaf.value() >= 0 && Index(leaf) < states_.size());
  return states_[Index(leaf)].holder;
}

const mig::Leaf& LeafPool::leaf(mig::LeafId id) const {
  FLEXMIG_CHECK(id.value() >= 0 && Index(id) < states_.size());
  return inventory_.leaves[Index(id)];
}

Status LeafPool::Lease(const JobId& job, std::span<const mig::LeafId> leaves) {
  if (leaves.empty()) return InvalidArgumentError(StrCat("job ", job.value(), ": no leaves"));
  if (jobs_.contains(job)) {
    return AlreadyExistsError(StrCat("job ", job.value(), " already holds leaves"));
  }
  std::vector<mig::LeafId> sorted(leaves.begin(), leaves.end());
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    const int id = sorted[i].value();
    if (id < 0 || Index(sorted[i]) >= states_.size()) return NotFoundError(StrCat("no leaf ", id));
    if (i > 0 && sorted[i] == sorted[i - 1]) {
      return InvalidArgumentError(StrCat("leaf ", id, " is named twice"));
    }
    if (!IsFree(sorted[i])) {
      const auto& holder = states_[Index(sorted[i])].holder;
      return FailedPreconditionError(
          StrCat("leaf ", id, holder ? StrCat(" is held by job ", holder->value()) : " is lost"));
    }
  }
  for (const mig::LeafId id : sorted) {
    RemoveFree(id);
    states_[Index(id)].holder = job;
  }
  jobs_.emplace(job, std::move(sorted));
  return OkStatus();
}

Status LeafPool::Release(const JobId& job) {
  const auto held = jobs_.find(job);
  if (held == jobs_.end()) return NotFoundError(StrCat("job ", job.value(), " holds no leaves"));
  for (const mig::LeafId id : held->second) {
    states_[Index(id)].holder.reset();
    if (!states_[Index(id)].lost) AddFree(id);
  }
  jobs_.erase(held);
  return OkStatus();
}

Status LeafPool::MarkLost(mig::LeafId leaf) {
  if (leaf.value() < 0 || Index(leaf) >= states_.size()) {
    return NotFoundError(StrCat("no leaf ", leaf.value()));
  }
  if (IsFree(leaf)) RemoveFree(leaf);
  states_[Index(leaf)].lost = true;
  return OkStatus();
}

Status LeafPool::MarkBack(mig::LeafId leaf) {
  if (leaf.value() < 0 || Index(leaf) >= states_.size()) {
    return NotFoundError(StrCat("no leaf ", leaf.value()));
  }
  State& state = states_[Index(leaf)];
  if (state.lost && !state.holder) AddFree(leaf);
  state.lost = false;
  return OkStatus();
}

void LeafPool::AddFree(mig::LeafId id) {
  auto& free = free_on_[Index(leaf(id).gpu)];
  free.insert(std::lower_bound(free.begin(), free.end(), id), id);
  ++free_count_;
}

void LeafPool::RemoveFree(mig::LeafId id) {
  auto& free = free_on_[Index(leaf(id).gpu)];
  free.erase(std::lower_bound(free.begin(), free.end(), id));
  --free_count_;
}

}  // namespace flexmig::alloc
