#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/policy.h"
#include "flexmig/base/status.h"
#include "flexmig/sched/job.h"
#include "flexmig/sched/job_queue.h"
#include "flexmig/sched/queue_policy.h"

namespace flexmig::sched {

// Decides when jobs start and on which leaves. A state machine: events go in, Tick gives decisions
// out, and equal events give equal decisions. The daemon and the simulator run this same class.
//
// The owner reports what has happened, in order, each event with its time, then calls Tick. Events
// of one moment belong before one Tick; ends before submissions.
//
// Invariants: a job waits or runs, never both; a running job holds leaves of the pool, a waiting
// one none; time does not run backwards. An event that fails has changed nothing.
// Threading: one owner. Cost: O(log n) an event for n jobs, plus the pool's.
class Scheduler {
 public:
  // REQUIRES: no leaf of the pool is leased.
  Scheduler(alloc::LeafPool pool, std::unique_ptr<alloc::AllocationPolicy> allocation_policy,
            std::unique_ptr<QueuePolicy> queue_policy);

  // Errors of all events: kInvalidArgument for a time before that of an earlier event.

  // The job waits from now on. A job that could not run even on the empty node is accepted here and
  // rejected by the next Tick. Errors: kAlreadyExists if a job of this id waits or runs,
  // kInvalidArgument for a negative estimate.
  Status Submit(TimePoint now, Job job);
  // A waiting job is forgotten. Errors: kNotFound, kFailedPrecondition if it runs: end it, then
  // report Finish.
  Status Cancel(TimePoint now, const JobId& id);
  // A running job has ended, well or not; its leaves are free again. Errors: kNotFound,
  // kFailedPrecondition if it waits.
  Status Finish(TimePoint now, const JobId& id);
  // A leaf cannot be used from now on; and can be again. A job that runs on a lost leaf keeps it
  // until Finish: its owner sees it die. Errors: kNotFound.
  Status LeafLost(TimePoint now, mig::LeafId leaf);
  Status LeafBack(TimePoint now, mig::LeafId leaf);

  // What is to happen now, rejections first, then starts in the order in which they were decided.
  // Errors: kInvalidArgument for a time before that of an earlier event.
  Result<std::vector<Decision>> Tick(TimePoint now);

  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] const alloc::LeafPool& pool() const { return pool_; }
  [[nodiscard]] const JobQueue& queue() const { return queue_; }
  [[nodiscard]] const QueuePolicy& queue_policy() const { return *queue_policy_; }
  [[nodiscard]] size_t waiting_count() const { return queue_.size(); }
  [[nodiscard]] size_t running_count() const { return jobs_.size() - queue_.size(); }

 private:
  class Pass;

  // Moves the time on. Errors: kInvalidArgument for a step back.
  Status Advance(TimePoint now);
  bool TryStart(QueuedJob& job);

  alloc::LeafPool pool_;
  std::unique_ptr<alloc::AllocationPolicy> allocation_policy_;
  std::unique_ptr<QueuePolicy> queue_policy_;
  std::unordered_map<JobId, QueuedJob> jobs_;  // waiting and running; each stays where it is
  JobQueue queue_;
  std::vector<Decision> decisions_;  // since the last Tick
  TimePoint now_ = TimePoint::min();
  uint64_t submitted_ = 0;
  // How often leaves have become free. A policy that found too few among some leaves finds too few
  // among any part of them, so what did not fit need not be tried again before this has changed.
  uint64_t growth_ = 0;
};

}  // namespace flexmig::sched
