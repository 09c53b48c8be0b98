#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/mig/inventory.h"

namespace flexmig::alloc {

// Which leaves of one node are free and which job holds the others.
//
// Invariants: a leaf is free, leased to exactly one job, or lost; free leaves of a GPU are sorted
// by placement start. Threading: thread-compatible.
class LeafPool {
 public:
  // All leaves free.
  explicit LeafPool(mig::NodeInventory inventory);

  [[nodiscard]] const mig::NodeInventory& inventory() const { return inventory_; }
  [[nodiscard]] int free_count() const { return free_count_; }
  [[nodiscard]] int free_count(mig::GpuIndex gpu) const;
  // Sorted by placement start. The reference is valid until the pool changes.
  [[nodiscard]] const std::vector<mig::LeafId>& FreeOn(mig::GpuIndex gpu) const;
  [[nodiscard]] bool IsFree(mig::LeafId leaf) const;
  // The job that holds the leaf, if any.
  [[nodiscard]] std::optional<JobId> HolderOf(mig::LeafId leaf) const;
  [[nodiscard]] const mig::Leaf& leaf(mig::LeafId id) const;

  // Gives all of `leaves` to `job`, or none of them.
  // Errors: kAlreadyExists if the job holds leaves, kFailedPrecondition naming the first leaf that
  // is not free, kNotFound for an id that is not in the inventory, kInvalidArgument for a leaf
  // named twice or none at all.
  Status Lease(const JobId& job, std::span<const mig::LeafId> leaves);

  // Frees all leaves of the job; lost ones stay lost. Errors: kNotFound if it holds none.
  Status Release(const JobId& job);

  // Takes a leaf out of service (its GPU fell off the bus, somebody else uses it) and back. A
  // leased leaf stays with its job until that is released. Errors: kNotFound.
  Status MarkLost(mig::LeafId leaf);
  Status MarkBack(mig::LeafId leaf);

 private:
  struct State {
    std::optional<JobId> holder;
    bool lost = false;
  };
  void AddFree(mig::LeafId id);
  void RemoveFree(mig::LeafId id);

  mig::NodeInventory inventory_;
  std::vector<State> states_;                      // by LeafId
  std::vector<std::vector<mig::LeafId>> free_on_;  // by GpuIndex
  std::unordered_map<JobId, std::vector<mig::LeafId>> jobs_;
  int free_count_ = 0;
};

}  // namespace flexmig::alloc
