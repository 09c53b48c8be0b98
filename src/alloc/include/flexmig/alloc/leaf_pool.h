#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "flexmig/alloc/leaf_index.h"
#include "flexmig/alloc/pattern_index.h"
#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/mig/inventory.h"

namespace flexmig::alloc {

// The free leaves of one GPU by placement start, as a range of LeafIds.
class FreeLeaves {
 public:
  class Iterator {
   public:
    Iterator(int first, uint64_t rest) : first_(first), rest_(rest) {}
    mig::LeafId operator*() const { return mig::LeafId(first_ + std::countr_zero(rest_)); }
    Iterator& operator++() {
      rest_ &= rest_ - 1;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    int first_;
    uint64_t rest_;
  };

  // Bit i of `free`: leaf `first` + i.
  FreeLeaves(int first, uint64_t free) : first_(first), free_(free) {}
  [[nodiscard]] Iterator begin() const { return {first_, free_}; }
  [[nodiscard]] Iterator end() const { return {first_, 0}; }
  [[nodiscard]] size_t size() const { return static_cast<size_t>(std::popcount(free_)); }
  [[nodiscard]] bool empty() const { return free_ == 0; }

 private:
  int first_;
  uint64_t free_;
};

// Which leaves of a node, or of the nodes of a simulated cluster, are free and which job holds the
// others; with the indices by which policies find leaves fast.
//
// Invariants: a leaf is free, leased to exactly one job, or lost.
// Cost: Lease, Release, MarkLost and MarkBack O(log) in GPUs and nodes for each GPU touched, one
// hash table access for each job. Threading: thread-compatible.
class LeafPool {
 public:
  // Sizes of leases are remembered up to here; larger ones count as this.
  static constexpr size_t kLargestSize = 128;

  // All leaves free. REQUIRES: at most 64 leaves on a GPU; no board has more than 12.
  explicit LeafPool(mig::NodeInventory inventory);

  [[nodiscard]] const mig::NodeInventory& inventory() const { return *inventory_; }
  [[nodiscard]] int free_count() const { return free_count_; }
  [[nodiscard]] int free_count(mig::GpuIndex gpu) const;
  // Valid until the pool changes.
  [[nodiscard]] FreeLeaves FreeOn(mig::GpuIndex gpu) const;
  [[nodiscard]] bool IsFree(mig::LeafId leaf) const;
  // The job that holds the leaf, if any.
  [[nodiscard]] std::optional<JobId> HolderOf(mig::LeafId leaf) const;
  [[nodiscard]] const mig::Leaf& leaf(mig::LeafId id) const;

  // Gives all of `leaves` to `job`, or none of them. A job on one leaf has nobody to communicate
  // with; one on several loads the host links of its GPUs unless `comm` is kLight.
  // Errors: kAlreadyExists if the job holds leaves, kFailedPrecondition naming the first leaf that
  // is not free, kNotFound for an id that is not in the inventory, kInvalidArgument for a leaf
  // named twice or none at all.
  Status Lease(const JobId& job, std::span<const mig::LeafId> leaves, Comm comm = Comm::kHeavy);

  // Frees all leaves of the job; lost ones stay lost. Errors: kNotFound if it holds none.
  Status Release(const JobId& job);

  // Takes a leaf out of service (its GPU fell off the bus, somebody else uses it) and back. A
  // leased leaf stays with its job until that is released. Errors: kNotFound.
  Status MarkLost(mig::LeafId leaf);
  Status MarkBack(mig::LeafId leaf);

  // What policies look at.

  // One for each profile among the leaves, smallest first: by memory, then compute slices, name.
  [[nodiscard]] const std::vector<LeafIndex>& indices() const { return indices_; }
  [[nodiscard]] const PatternIndex& patterns() const { return patterns_; }
  [[nodiscard]] const NodeMap& nodes() const { return *nodes_; }
  // Leaves of leases that communicate on the GPU: they share its host link.
  [[nodiscard]] int LinkLoad(mig::GpuIndex gpu) const;
  // Whether nobody holds a leaf there.
  [[nodiscard]] bool IsIdle(mig::GpuIndex gpu) const;
  // The free leaves of indices()[profile] on the GPU.
  [[nodiscard]] FreeLeaves FreeOf(size_t profile, int gpu) const {
    const GpuState& state = gpus_[static_cast<size_t>(gpu)];
    return {state.first_leaf,
            state.free() & profile_mask_[static_cast<size_t>(gpu) * indices_.size() + profile]};
  }
  // The leaf at a position among those of the GPU. REQUIRES: there is one.
  [[nodiscard]] mig::LeafId LeafAt(int gpu, int position) const {
    return mig::LeafId(gpus_[static_cast<size_t>(gpu)].first_leaf + position);
  }
  // The GPU of the last leaf of the last Lease, if there was one: where round-robin goes on.
  [[nodiscard]] std::optional<mig::GpuIndex> last_leased_gpu() const { return last_leased_gpu_; }
  // [n]: how many leases of n leaves there have been: what min-frag expects of the future.
  [[nodiscard]] const std::array<int64_t, kLargestSize + 1>& lease_sizes() const {
    return lease_sizes_;
  }

 private:
  struct GpuState {
    uint64_t leaves = 0;  // bit i: leaf first_leaf + i
    uint64_t held = 0;
    uint64_t lost = 0;
    int first_leaf = 0;
    int load = 0;

    [[nodiscard]] uint64_t free() const { return leaves & ~held & ~lost; }
  };
  struct LeaseRecord {
    JobId job;
    std::vector<mig::LeafId> leaves;
    bool communicates = false;
  };
  static constexpr int kNobody = -1;

  static size_t At(mig::LeafId leaf) { return static_cast<size_t>(leaf.value()); }
  [[nodiscard]] bool Exists(mig::LeafId leaf) const {
    return leaf.value() >= 0 && At(leaf) < holder_.size();
  }
  // REQUIRES of the three: it exists.
  [[nodiscard]] const GpuState& StateOf(mig::LeafId leaf) const {
    return gpus_[static_cast<size_t>(gpu_of_[At(leaf)])];
  }
  [[nodiscard]] GpuState& StateOf(mig::LeafId leaf) {
    return gpus_[static_cast<size_t>(gpu_of_[At(leaf)])];
  }
  [[nodiscard]] static uint64_t BitIn(const GpuState& gpu, mig::LeafId leaf) {
    return uint64_t{1} << (leaf.value() - gpu.first_leaf);
  }
  // Why the leaf cannot be leased, given that lease number `lease` is being made.
  [[nodiscard]] Status WhyNotFree(mig::LeafId leaf, int lease) const;
  [[nodiscard]] int TakeRecord();
  // Tells the indices of a GPU whose state has changed.
  void Reindex(int gpu);

  std::shared_ptr<const mig::NodeInventory> inventory_;  // shared by copies of the pool
  std::shared_ptr<const NodeMap> nodes_;
  std::vector<int> gpu_of_;             // by LeafId
  std::vector<int> holder_;             // by LeafId: into leases_, or kNobody
  std::vector<GpuState> gpus_;          // by GpuIndex
  std::vector<uint64_t> profile_mask_;  // by GPU, then profile: its leaves
  std::vector<LeafIndex> indices_;
  PatternIndex patterns_;
  std::vector<LeaseRecord> leases_;
  std::vector<int> unused_leases_;           // of leases_
  std::unordered_map<JobId, int> lease_of_;  // into leases_
  int free_count_ = 0;
  std::optional<mig::GpuIndex> last_leased_gpu_;
  std::array<int64_t, kLargestSize + 1> lease_sizes_{};
};

}  // namespace flexmig::alloc
