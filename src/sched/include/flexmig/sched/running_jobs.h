#pragma once

#include <cstdint>

#include "flexmig/sched/queued_job.h"

namespace flexmig::sched {

// The running jobs by expected end: those that are not expected to end at all come last. A job that
// runs longer than expected keeps the place of the end that it missed. Does not own the jobs.
//
// Threading: thread-compatible. Cost: O(log n) expected for every call but the constant ones.
class RunningJobs {
 public:
  // REQUIRES: its expected_end and leaves_held are set.
  void Add(QueuedJob& job);
  void Remove(QueuedJob& job);

  [[nodiscard]] size_t size() const { return size_; }
  // The one that is expected to end first, nullptr if there is none; then Next. O(1).
  [[nodiscard]] QueuedJob* First() const { return by_end_.First(); }
  [[nodiscard]] static QueuedJob* Next(const QueuedJob& job) { return RunningTree::Next(job); }

  // The leaves of all jobs that are expected to end at `time` or before.
  [[nodiscard]] int64_t LeavesUntil(TimePoint time) const;
  // The first expected end by which jobs with `leaves` together have ended; kNever if that depends
  // on jobs of which no end is expected. REQUIRES: leaves > 0.
  [[nodiscard]] TimePoint TimeOfLeaves(int64_t leaves) const;

 private:
  RunningTree by_end_;
  size_t size_ = 0;
};

}  // namespace flexmig::sched
