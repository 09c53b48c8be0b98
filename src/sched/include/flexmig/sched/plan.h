#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/mig/inventory.h"
#include "flexmig/sched/availability.h"
#include "flexmig/sched/job_queue.h"
#include "flexmig/sched/queued_job.h"
#include "flexmig/sched/running_jobs.h"

namespace flexmig::sched {

// A reservation for every waiting job, or for the first `depth` of them: the earliest time at which
// its leaves are free for as long as it may run, given the running jobs and the reservations of
// those before it in the queue. For conservative backfill.
//
// - A reservation once made only moves to an earlier time, when a job ends before its time or gives
//   up; each is then, in queue order, taken out and put back at its earliest.
// - All are made anew, and may move back, when a job comes that goes before one that has a
//   reservation (by priority, or whenever usage counts in the order), when leaves are lost or come
//   back, and when a job runs longer than expected: then another tenth of its time so far, at least
//   a second, is added.
// - A job of unknown run time takes its leaves for ever, in the plan.
// - Leaves are counted, one Availability for each profile of the node. For requests with a span
// rule
//   that is necessary but not sufficient; see conservative.cc for what becomes of them.
// - A job that does not fit at any time (leaves are out of service, or held by jobs of unknown run
//   time) has no reservation.
//
// Threading: thread-compatible. Cost: for n steps of the plan, O(k log n) for a job that comes (see
// Availability::EarliestFit), O(log n) for one that starts or ends at its time; O(depth k log n)
// for an Update after an early end or if more than `depth` wait and one starts; O((running + depth)
// k log n + leaves) when all are made anew.
class Plan {
 public:
  Plan(const mig::NodeInventory& inventory, size_t depth);

  // What has happened. All but OnStarted take effect with the next Update.
  void OnQueued(QueuedJob& job, const JobQueue& queue);
  // It was cancelled or held. REQUIRES: still in the queue.
  void OnUnqueued(QueuedJob& job);
  // It has just started on leaves of the profile, which it takes until its expected end. If that is
  // not what was planned, all are made anew. REQUIRES: leaves_held and expected_end are set.
  void OnStarted(QueuedJob& job, TimePoint now, const mig::Profile* profile);
  void OnEnded(QueuedJob& job, TimePoint now);
  // Leaves have gone or come, or the order of the queue has changed.
  void OnChanged() { anew_ = true; }

  // Brings all reservations up to date.
  void Update(TimePoint now, const alloc::LeafPool& pool, const JobQueue& queue,
              const RunningJobs& running);

  // Whose time has come, in queue order.
  [[nodiscard]] std::vector<QueuedJob*> Due(TimePoint now) const;
  // The first moment after `now` at which a job is to start or a running one is overdue.
  [[nodiscard]] TimePoint NextTimer(TimePoint now) const;
  // The planned job's reservation is given up; it gets another one with the next Update.
  void Drop(QueuedJob& job);

  // The most leaves up to `cap` on which the due job can start now beside all reservations.
  [[nodiscard]] int WidestNow(const QueuedJob& job, TimePoint now, int cap) const;
  [[nodiscard]] const mig::Profile& ProfileOf(const QueuedJob& job) const {
    return *profiles_[static_cast<size_t>(job.planned.profile)];
  }

 private:
  using ByTime = std::map<std::pair<TimePoint, uint64_t>, QueuedJob*>;  // time, sequence

  [[nodiscard]] bool Usable(const QueuedJob& job, size_t profile) const;
  void Take(const QueuedJob::Planned& planned, int64_t sign);
  // Gives the job the earliest place, if there is any.
  void Place(QueuedJob& job, TimePoint now, bool others_wait);
  void Unplace(QueuedJob& job);
  void MakeAnew(TimePoint now, const alloc::LeafPool& pool, const JobQueue& queue,
                const RunningJobs& running);
  void MoveUp(TimePoint now, const JobQueue& queue);
  void ExtendOverdue(TimePoint now);

  size_t depth_;
  std::vector<const mig::Profile*> profiles_;  // smallest first
  std::vector<Availability> free_;             // by profile
  ByTime starts_;                              // queued jobs that are planned
  ByTime ends_;                                // running jobs that are expected to end
  std::vector<QueuedJob*> arrived_;            // behind all that are planned
  // Not before that of any planned job.
  QueuePosition last_;
  bool anew_ = true;
  bool gaps_ = false;    // leaves are free that were planned for somebody
  bool refill_ = false;  // fewer may be planned than could be
};

}  // namespace flexmig::sched
