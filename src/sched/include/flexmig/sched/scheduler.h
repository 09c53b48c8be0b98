#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/policy.h"
#include "flexmig/base/status.h"
#include "flexmig/sched/dependencies.h"
#include "flexmig/sched/event_log.h"
#include "flexmig/sched/fair_share.h"
#include "flexmig/sched/job.h"
#include "flexmig/sched/job_queue.h"
#include "flexmig/sched/job_table.h"
#include "flexmig/sched/options.h"
#include "flexmig/sched/plan.h"
#include "flexmig/sched/queue_policy.h"
#include "flexmig/sched/quotas.h"
#include "flexmig/sched/request_kind.h"
#include "flexmig/sched/running_jobs.h"

namespace flexmig::sched {

// Decides when jobs start and on which leaves. A state machine: events go in, Tick gives decisions
// out, and equal events give equal decisions. The daemon and the simulator run this same class.
//
// The owner reports what has happened, in order, each event with its time, then calls Tick. Events
// of one moment belong before one Tick; ends before submissions. Without events, Tick has to be
// called again no later than next_timer().
//
// Invariants: a job waits or runs, never both; a running job holds leaves of the pool, a waiting
// one none; time does not run backwards. An event that fails has changed nothing. Of ended jobs
// nothing is kept but the last SchedulerOptions::ended_jobs_kept names.
// Threading: one owner. Cost: O(log n) an event for n jobs, plus the pool's; a Tick as its queue
// policy says, plus O(groups) if fair shares or quotas are set.
class Scheduler {
 public:
  // Errors: kInvalidArgument for an option out of its range.
  static Result<Scheduler> Create(alloc::LeafPool pool,
                                  std::unique_ptr<alloc::AllocationPolicy> allocation_policy,
                                  std::unique_ptr<QueuePolicy> queue_policy,
                                  const SchedulerOptions& options);

  // With default options. REQUIRES, as Create: no leaf of the pool is leased.
  Scheduler(alloc::LeafPool pool, std::unique_ptr<alloc::AllocationPolicy> allocation_policy,
            std::unique_ptr<QueuePolicy> queue_policy);

  // Errors of all events: kInvalidArgument for a time before that of an earlier event.

  // The job waits from now on. A job that could not run even on the empty node, or that its user's
  // quota never admits, or that depends on one that has failed, is accepted here and rejected by
  // the next Tick. Errors: kAlreadyExists if a job of this id waits or runs; kNotFound if it
  // depends on a job that neither lives nor is among the last that ended; kInvalidArgument for a
  // negative estimate, a time limit that is not above 0, a moldable range that is not as
  // MoldableRange says.
  Status Submit(TimePoint now, Job job);
  // A waiting job is forgotten. Errors: kNotFound, kFailedPrecondition if it runs: end it, then
  // report Finish.
  Status Cancel(TimePoint now, const JobId& id);
  // A running job has ended; its leaves are free again. Errors: kNotFound, kFailedPrecondition if
  // it waits.
  Status Finish(TimePoint now, const JobId& id, JobEnd end = JobEnd::kOk);
  // A waiting job does not start until ReleaseHold; it keeps its place in the order of submission.
  // Holding it twice, or releasing what is not held, changes nothing. Errors: kNotFound,
  // kFailedPrecondition if it runs.
  Status Hold(TimePoint now, const JobId& id);
  Status ReleaseHold(TimePoint now, const JobId& id);
  // A leaf cannot be used from now on; and can be again. A job that runs on a lost leaf keeps it
  // until Finish: its owner sees it die. Errors: kNotFound.
  Status LeafLost(TimePoint now, mig::LeafId leaf);
  Status LeafBack(TimePoint now, mig::LeafId leaf);

  // What is to happen now: rejections first, then jobs whose time limit is over, then starts in the
  // order in which they were decided, at most `max_starts`. Valid until the next call.
  Result<std::span<const Decision>> Tick(TimePoint now, int max_starts = kAnyNumber);
  static constexpr int kAnyNumber = -1;

  // The first moment after now() at which a Tick may decide something though nothing has happened
  // since the last one; nullopt if there is none.
  [[nodiscard]] std::optional<TimePoint> next_timer() const;

  // Every event that succeeds, and every decision, is appended to `log` from now on; nullptr to
  // stop. It outlives the scheduler.
  void set_recorder(EventLog* log) { recorder_ = log; }

  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] const alloc::LeafPool& pool() const { return pool_; }
  // Jobs that could start; not those that are held or before their dependencies.
  [[nodiscard]] const JobQueue& queue() const { return queue_; }
  [[nodiscard]] const QueuePolicy& queue_policy() const { return *queue_policy_; }
  [[nodiscard]] const alloc::AllocationPolicy& allocation_policy() const {
    return *allocation_policy_;
  }
  [[nodiscard]] const SchedulerOptions& options() const { return options_; }
  [[nodiscard]] size_t waiting_count() const { return jobs_.size() - running_.size(); }
  [[nodiscard]] size_t running_count() const { return running_.size(); }
  // All jobs that wait, held ones too, in the order of submission. O(n log n). Valid as Find.
  [[nodiscard]] std::vector<const QueuedJob*> Waiting() const;
  // Waiting or running; nullptr for others. Valid until the next event.
  [[nodiscard]] const QueuedJob* Find(const JobId& id) const { return jobs_.Find(id); }

 private:
  class Pass;

  Scheduler(alloc::LeafPool pool, std::unique_ptr<alloc::AllocationPolicy> allocation_policy,
            std::unique_ptr<QueuePolicy> queue_policy, const SchedulerOptions& options);

  // Errors: kInvalidArgument for a step back.
  [[nodiscard]] Status CheckTime(TimePoint now) const;
  [[nodiscard]] Status CheckJob(const Job& job) const;
  // The waiting job of this id. Errors: kNotFound, kFailedPrecondition saying `if_running`.
  Result<QueuedJob*> FindWaiting(const JobId& id, std::string_view if_running);
  int UserIndex(const std::string& name);

  // Into the queue, if nothing keeps it out; and out of it.
  void EnqueueIfReady(QueuedJob& job);
  void Dequeue(QueuedJob& job);
  void Reject(const JobId& id, Status reason);
  // Forgets the job and tells those that depend on it. Its place in queue or pool is given up.
  void End(QueuedJob& job, JobEnd end);

  StartResult TryStart(QueuedJob& job, Reservation* reservation);
  StartResult TryStartPlanned(QueuedJob& job);
  void Start(QueuedJob& job, alloc::Allocation allocation);
  void EndOverdue();

  SchedulerOptions options_;
  alloc::LeafPool pool_;
  std::unique_ptr<alloc::AllocationPolicy> allocation_policy_;
  std::unique_ptr<QueuePolicy> queue_policy_;
  bool has_quotas_;

  JobTable jobs_;  // all that live
  RequestKinds kinds_;
  JobQueue queue_;
  RunningJobs running_;
  // Running jobs with a time limit that is not over yet.
  std::map<std::pair<TimePoint, uint64_t>, QueuedJob*> limits_;
  Dependencies dependencies_;

  std::unordered_map<std::string, int> users_;
  Quotas quotas_;
  std::optional<FairShare> fair_share_;
  std::optional<Plan> plan_;

  std::vector<Decision> rejections_;  // since the last Tick
  std::vector<Decision> decisions_;   // of the last Tick
  int starts_left_ = kAnyNumber;
  TimePoint now_ = TimePoint::min();
  // When a moldable job that waits for more leaves looks again.
  TimePoint look_again_ = kNever;
  uint64_t submitted_ = 0;
  // How often leaves have become free, plus 1. A policy that found too few among some leaves finds
  // too few among any part of them, so what did not fit need not be tried again before this has
  // changed.
  uint64_t growth_ = 1;
  EventLog* recorder_ = nullptr;
};

}  // namespace flexmig::sched
