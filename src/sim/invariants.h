#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/mig/inventory.h"
#include "flexmig/sched/time.h"

namespace flexmig::sim {

// Watches one run and keeps books of its own, so that a bug in pool, scheduler or scheme shows.
class Invariants {
 public:
  Invariants(const mig::NodeInventory& inventory, size_t job_count);

  // All return kInternal, naming the job, if the event breaks what Simulate promises. `job` is an
  // index into the workload.
  Status OnTime(sched::TimePoint now);
  Status OnStart(size_t job, std::span<const mig::LeafId> leaves);
  Status OnFinish(size_t job, sched::Duration run_time);
  Status OnReject(size_t job);
  // A GPU that is reconfigured runs nothing.
  Status OnReconfigure(mig::GpuIndex gpu) const;
  Status OnEnd() const;

  // Compute slices of the leaves that the job holds or held.
  [[nodiscard]] int HeldSlices(size_t job) const { return jobs_[job].slices; }

 private:
  __extension__ using Wide = __int128;
  enum class State : uint8_t { kNotStarted, kRunning, kDone, kRejected };
  struct JobBook {
    State state = State::kNotStarted;
    int slices = 0;
  };
  struct Running {
    sched::TimePoint start_time;
    std::vector<mig::LeafId> leaves;
  };
  [[nodiscard]] size_t UnitOf(const mig::Leaf& leaf, int unit) const;

  const mig::NodeInventory& inventory_;
  size_t units_per_gpu_ = 0;
  std::vector<std::optional<size_t>> owners_;  // of memory slices, by GPU and placement unit
  std::vector<JobBook> jobs_;
  std::unordered_map<size_t, Running> running_;
  std::optional<sched::TimePoint> now_;
  int64_t held_slices_ = 0;
  Wide along_time_ = 0;  // slice-microseconds
  Wide over_jobs_ = 0;
};

}  // namespace flexmig::sim
