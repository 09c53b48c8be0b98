#include "flexmig/alloc/leaf_pool.h"

#include <algorithm>
#include <tuple>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::alloc {

namespace {

size_t ToIndex(int index) { return static_cast<size_t>(index); }
size_t ToIndex(mig::GpuIndex gpu) { return ToIndex(gpu.value()); }

std::shared_ptr<const NodeMap> MapNodes(const mig::NodeInventory& inventory) {
  auto map = std::make_shared<NodeMap>();
  for (const mig::InventoryGpu& gpu : inventory.gpus) {
    const int node = gpu.node.value();
    FLEXMIG_CHECK(node == map->node_count() + 1 || node == map->node_count());
    if (node > map->node_count()) map->first_gpu.push_back(gpu.index.value());
    map->node_of.push_back(node);
  }
  map->first_gpu.push_back(static_cast<int>(inventory.gpus.size()));
  for (int node = 0; node < map->node_count(); ++node) {
    map->most_gpus =
        std::max(map->most_gpus, map->first_gpu[ToIndex(node) + 1] - map->first_gpu[ToIndex(node)]);
  }
  return map;
}

// The profiles of the leaves, smallest first.
std::vector<const mig::Profile*> ProfilesOf(const mig::NodeInventory& inventory) {
  std::vector<const mig::Profile*> profiles;
  for (const mig::Leaf& leaf : inventory.leaves) {
    if (std::find(profiles.begin(), profiles.end(), leaf.profile) == profiles.end()) {
      profiles.push_back(leaf.profile);
    }
  }
  // Not by id: ids of different boards may coincide.
  std::stable_sort(profiles.begin(), profiles.end(),
                   [](const mig::Profile* a, const mig::Profile* b) {
                     const auto key = [](const mig::Profile* p) {
                       return std::tuple(p->memory.value_or(Bytes()), p->compute_slices, p->name);
                     };
                     return key(a) < key(b);
                   });
  return profiles;
}

std::vector<PatternIndex::GpuLayout> LayoutsOf(const mig::NodeInventory& inventory) {
  const auto profiles = ProfilesOf(inventory);
  std::vector<PatternIndex::GpuLayout> layouts(inventory.gpus.size());
  for (const mig::Leaf& leaf : inventory.leaves) {
    const auto profile = std::find(profiles.begin(), profiles.end(), leaf.profile);
    layouts[ToIndex(leaf.gpu)].push_back(
        {leaf.placement, static_cast<int>(profile - profiles.begin())});
  }
  return layouts;
}

}  // namespace

LeafPool::LeafPool(mig::NodeInventory inventory)
    : inventory_(std::make_shared<const mig::NodeInventory>(std::move(inventory))),
      nodes_(MapNodes(*inventory_)),
      holder_(inventory_->leaves.size(), kNobody),
      gpus_(inventory_->gpus.size()),
      patterns_(LayoutsOf(*inventory_), static_cast<int>(ProfilesOf(*inventory_).size())),
      free_count_(static_cast<int>(inventory_->leaves.size())) {
  const auto profiles = ProfilesOf(*inventory_);
  profile_mask_.resize(gpus_.size() * profiles.size());
  std::vector<std::vector<int>> leaves_on(profiles.size(), std::vector<int>(gpus_.size(), 0));
  int max_load = 0;
  for (const mig::Leaf& leaf : inventory_->leaves) {
    gpu_of_.push_back(leaf.gpu.value());
    GpuState& gpu = gpus_[ToIndex(leaf.gpu)];
    if (gpu.leaves == 0) gpu.first_leaf = leaf.id.value();
    const uint64_t bit = uint64_t{1} << (leaf.id.value() - gpu.first_leaf);
    gpu.leaves |= bit;
    max_load = std::max(max_load, std::popcount(gpu.leaves));
    const auto profile = std::find(profiles.begin(), profiles.end(), leaf.profile);
    const auto index = static_cast<size_t>(profile - profiles.begin());
    profile_mask_[ToIndex(leaf.gpu) * profiles.size() + index] |= bit;
    ++leaves_on[index][ToIndex(leaf.gpu)];
  }
  for (size_t i = 0; i < profiles.size(); ++i) {
    indices_.emplace_back(profiles[i], nodes_, leaves_on[i], max_load);
  }
  for (size_t gpu = 0; gpu < gpus_.size(); ++gpu) Reindex(static_cast<int>(gpu));
}

int LeafPool::free_count(mig::GpuIndex gpu) const { return static_cast<int>(FreeOn(gpu).size()); }

FreeLeaves LeafPool::FreeOn(mig::GpuIndex gpu) const {
  FLEXMIG_CHECK(gpu.value() >= 0 && ToIndex(gpu) < gpus_.size());
  return {gpus_[ToIndex(gpu)].first_leaf, gpus_[ToIndex(gpu)].free()};
}

bool LeafPool::IsFree(mig::LeafId leaf) const {
  FLEXMIG_CHECK(Exists(leaf));
  const GpuState& gpu = StateOf(leaf);
  return (gpu.free() & BitIn(gpu, leaf)) != 0;
}

std::optional<JobId> LeafPool::HolderOf(mig::LeafId leaf) const {
  FLEXMIG_CHECK(Exists(leaf));
  if (holder_[At(leaf)] == kNobody) return std::nullopt;
  return leases_[ToIndex(holder_[At(leaf)])].job;
}

const mig::Leaf& LeafPool::leaf(mig::LeafId id) const {
  FLEXMIG_CHECK(Exists(id));
  return inventory_->leaves[At(id)];
}

int LeafPool::LinkLoad(mig::GpuIndex gpu) const { return gpus_[ToIndex(gpu)].load; }

bool LeafPool::IsIdle(mig::GpuIndex gpu) const { return gpus_[ToIndex(gpu)].held == 0; }

Status LeafPool::WhyNotFree(mig::LeafId leaf, int lease) const {
  if (!Exists(leaf)) return NotFoundError(StrCat("no leaf ", leaf.value()));
  const int holder = holder_[At(leaf)];
  if (holder == lease)
    return InvalidArgumentError(StrCat("leaf ", leaf.value(), " is named twice"));
  return FailedPreconditionError(
      StrCat("leaf ", leaf.value(),
             holder == kNobody ? " is lost"
                               : StrCat(" is held by job ", leases_[ToIndex(holder)].job.value())));
}

int LeafPool::TakeRecord() {
  if (unused_leases_.empty()) {
    leases_.emplace_back();
    return static_cast<int>(leases_.size()) - 1;
  }
  const int record = unused_leases_.back();
  unused_leases_.pop_back();
  return record;
}

Status LeafPool::Lease(const JobId& job, std::span<const mig::LeafId> leaves, Comm comm) {
  if (leaves.empty()) return InvalidArgumentError(StrCat("job ", job.value(), ": no leaves"));
  const auto [entry, is_new] = lease_of_.try_emplace(job, kNobody);
  if (!is_new) return AlreadyExistsError(StrCat("job ", job.value(), " already holds leaves"));
  const int lease = TakeRecord();
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (Exists(leaves[i])) {
      GpuState& gpu = StateOf(leaves[i]);
      const uint64_t bit = BitIn(gpu, leaves[i]);
      if ((gpu.free() & bit) != 0) {
        gpu.held |= bit;
        holder_[At(leaves[i])] = lease;
        continue;
      }
    }
    Status why = WhyNotFree(leaves[i], lease);
    for (const mig::LeafId taken : leaves.first(i)) {
      StateOf(taken).held &= ~BitIn(StateOf(taken), taken);
      holder_[At(taken)] = kNobody;
    }
    unused_leases_.push_back(lease);
    lease_of_.erase(entry);
    return why;
  }
  entry->second = lease;
  LeaseRecord& record = leases_[ToIndex(lease)];
  record.job = job;
  record.leaves.assign(leaves.begin(), leaves.end());
  record.communicates = comm == Comm::kHeavy && leaves.size() > 1;
  if (record.communicates) {
    for (const mig::LeafId id : leaves) ++StateOf(id).load;
  }
  // Neighbouring leaves of a job share a GPU as a rule; a GPU told of twice is told nothing new.
  int told = LeafIndex::kNone;
  for (const mig::LeafId id : leaves) {
    const int gpu = gpu_of_[At(id)];
    if (gpu != told) Reindex(gpu);
    told = gpu;
  }
  free_count_ -= static_cast<int>(leaves.size());
  last_leased_gpu_ = mig::GpuIndex(told);
  ++lease_sizes_[std::min(leaves.size(), kLargestSize)];
  return OkStatus();
}

Status LeafPool::Release(const JobId& job) {
  const auto entry = lease_of_.find(job);
  if (entry == lease_of_.end()) {
    return NotFoundError(StrCat("job ", job.value(), " holds no leaves"));
  }
  const LeaseRecord& record = leases_[ToIndex(entry->second)];
  for (const mig::LeafId id : record.leaves) {
    GpuState& gpu = StateOf(id);
    const uint64_t bit = BitIn(gpu, id);
    gpu.held &= ~bit;
    if (record.communicates) --gpu.load;
    if ((gpu.lost & bit) == 0) ++free_count_;
    holder_[At(id)] = kNobody;
  }
  int told = LeafIndex::kNone;
  for (const mig::LeafId id : record.leaves) {
    const int gpu = gpu_of_[At(id)];
    if (gpu != told) Reindex(gpu);
    told = gpu;
  }
  unused_leases_.push_back(entry->second);
  lease_of_.erase(entry);
  return OkStatus();
}

Status LeafPool::MarkLost(mig::LeafId leaf) {
  if (!Exists(leaf)) return NotFoundError(StrCat("no leaf ", leaf.value()));
  if (IsFree(leaf)) --free_count_;
  StateOf(leaf).lost |= BitIn(StateOf(leaf), leaf);
  Reindex(gpu_of_[At(leaf)]);
  return OkStatus();
}

Status LeafPool::MarkBack(mig::LeafId leaf) {
  if (!Exists(leaf)) return NotFoundError(StrCat("no leaf ", leaf.value()));
  const bool was_free = IsFree(leaf);
  StateOf(leaf).lost &= ~BitIn(StateOf(leaf), leaf);
  if (!was_free && IsFree(leaf)) ++free_count_;
  Reindex(gpu_of_[At(leaf)]);
  return OkStatus();
}

void LeafPool::Reindex(int gpu) {
  const GpuState& state = gpus_[ToIndex(gpu)];
  const uint64_t free = state.free();
  for (size_t i = 0; i < indices_.size(); ++i) {
    const uint64_t of_profile = profile_mask_[ToIndex(gpu) * indices_.size() + i];
    if (of_profile == 0) continue;
    indices_[i].Update(gpu, {std::popcount(free & of_profile), state.load, state.held == 0});
  }
  patterns_.Update(gpu, free);
}

}  // namespace flexmig::alloc
