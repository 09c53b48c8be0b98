#pragma once

#include <map>
#include <span>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/request.h"
#include "flexmig/mig/inventory.h"

namespace flexmig::report {

// How much of what is free a random request could not use. For a mix p of requests, "c leaves of at
// least m compute slices each":
//
//   free(m)    compute slices of the free instances with at least m slices, count(m) their number
//   unusable = sum over (c, m) of p(c, m) x (free(1) - free(m) if count(m) >= c, else free(1))
//
// and fragmentation is unusable / free(1). Where instances are made on demand (all placements are
// leaves, many of which exclude each other), free(m) and count(m) are each the most that could
// exist beside what is held.
//
// Not looked at: memory floors, span rules, and node borders: a request may use all GPUs.
// Cost: O(distinct m x instances of a GPU) for a GPU that changes, O(distinct m) a reading.
class FragmentationMeter {
 public:
  struct Request {
    int leaf_count = 1;
    int min_compute_slices = 0;
    auto operator<=>(const Request&) const = default;
  };
  // Number of jobs by request.
  using Mix = std::map<Request, int64_t>;

  explicit FragmentationMeter(const Mix& mix);

  // Starts anew with the pool as it is. REQUIRES: the inventory outlives this.
  void Begin(const alloc::LeafPool& pool);
  // A job takes or gives back these leaves; the pool knows already.
  void OnLease(const alloc::LeafPool& pool, std::span<const mig::LeafId> leaves);
  void OnRelease(const alloc::LeafPool& pool, std::span<const mig::LeafId> leaves);
  // The GPU's instances have changed.
  void Update(const alloc::LeafPool& pool, mig::GpuIndex gpu);

  [[nodiscard]] int64_t free_slices() const { return free_; }
  // Expected over the mix; 0 without free slices.
  [[nodiscard]] double UnusableSlices() const;

 private:
  // All requests with one floor m.
  struct Floor {
    int min_slices = 0;
    // up_to[c]: the share of all requests that have this floor and at most c leaves; the last one
    // is the share of the floor.
    std::vector<double> up_to;
    int64_t free = 0;   // free(m)
    int64_t count = 0;  // count(m)
  };
  struct Room {
    int slices = 0;
    int count = 0;
  };
  void Occupy(const alloc::LeafPool& pool, std::span<const mig::LeafId> leaves, bool held);
  [[nodiscard]] Room RoomOn(const alloc::LeafPool& pool, size_t gpu, int min_slices) const;

  std::vector<Floor> floors_;
  int64_t free_ = 0;
  size_t units_per_gpu_ = 0;
  std::vector<bool> held_units_;  // by GPU and placement unit
  std::vector<int> held_slices_;  // by GPU
  std::vector<int> free_on_;      // by GPU: its part of free_
  std::vector<Room> rooms_;       // by GPU and floor: their parts of floors_
};

}  // namespace flexmig::report
