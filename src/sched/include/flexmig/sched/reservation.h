#pragma once

#include <optional>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/policy.h"
#include "flexmig/sched/job_queue.h"
#include "flexmig/sched/queued_job.h"
#include "flexmig/sched/running_jobs.h"

namespace flexmig::sched {

// How many of the leaves lie on which node, in the order in which they name the nodes.
std::vector<LeavesOnNode> CountByNode(const alloc::LeafPool& pool,
                                      const alloc::Allocation& allocation);

// When one waiting job, the first in line, can start if every running job ends when expected; and
// which others may start before it without changing that.
//
// A running job without estimate and time limit is taken to run for ever, one that has run longer
// than expected to end at any moment. So a job without either is never started past the reservation
// unless beside it there is room for ever, and while a running job is overdue only what has room
// beside the first in line may start: what delays it then is the overrun alone.
//
// For a countable request leaves are counted, and for one that has to stay on a node the leaves of
// every node. For others the policy is asked on a copy of
// the pool from which the running jobs are released in the order of their ends, and again for each
// job that would run past the reservation, with its leaves taken: exact as well, at a price.
//
// Threading: thread-compatible. Valid for one pass: the pool and the running jobs may change only
// by the starts that it was told. Cost of the constructor: O(log n) for n running jobs if
// countable, O(n + nodes) on nodes, else a copy of the pool, O(n) releases and as many calls of
// Choose at worst.
class Reservation {
 public:
  // REQUIRES: `job` does not fit now. The references outlive the reservation.
  Reservation(const QueuedJob& job, TimePoint now, const alloc::LeafPool& pool,
              const alloc::AllocationPolicy& policy, const RunningJobs& running);

  [[nodiscard]] const QueuedJob& job() const { return job_; }
  // When it can start; kNever if that depends on jobs of which no end is expected. nullopt if it
  // cannot even when all have ended, because leaves are out of service: then nothing is kept for
  // it.
  [[nodiscard]] std::optional<TimePoint> time() const { return time_; }
  // Which jobs can be candidates for a start past it. Changes with every start.
  [[nodiscard]] const BackfillFilter& filter() const { return filter_; }

  // Whether a job that may run for `run` may take so many leaves now. Necessary; sufficient only
  // together with AdmitsPlacement.
  [[nodiscard]] bool AdmitsCount(Duration run, int leaves) const {
    return run <= filter_.window || leaves <= filter_.room;
  }
  // Whether it may take these. If so they are counted as taken. O(1) if countable, O(nodes) on
  // nodes, else a Choose.
  bool AdmitsPlacement(const QueuedJob& job, Duration run, const alloc::Allocation& allocation);

 private:
  void CountLeaves(TimePoint now, const alloc::LeafPool& pool, const RunningJobs& running);
  void CountOnNodes(TimePoint now, const RunningJobs& running);
  void PlayReleases(TimePoint now, const alloc::LeafPool& pool, const RunningJobs& running);
  void SetWindow(TimePoint now);

  const QueuedJob& job_;
  const alloc::AllocationPolicy& policy_;
  std::optional<TimePoint> time_;
  BackfillFilter filter_;
  const alloc::LeafPool& pool_;
  std::vector<int> free_then_;           // by node, at time_, if countable on nodes
  std::optional<alloc::LeafPool> then_;  // the pool at time_, if not countable
};

}  // namespace flexmig::sched
