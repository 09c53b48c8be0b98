#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/sched/job_queue.h"
#include "flexmig/sched/plan.h"
#include "flexmig/sched/reservation.h"

namespace flexmig::sched {

// What came of an attempt to start a job.
enum class StartResult {
  kStarted,     // it has left the queue
  kDoesNotFit,  // nor does any job of its group
  kNotNow,      // it may not or does not want to; others of its group may
  kEnough,      // no more jobs are to be started in this pass
};

// What a queue policy sees of the scheduler, and can do, while it decides who starts now.
class SchedulingPass {
 public:
  virtual ~SchedulingPass() = default;
  SchedulingPass(const SchedulingPass&) = delete;
  SchedulingPass& operator=(const SchedulingPass&) = delete;

  [[nodiscard]] virtual TimePoint now() const = 0;
  [[nodiscard]] virtual int free_leaves() const = 0;
  [[nodiscard]] virtual bool anything_runs() const = 0;
  // The job that has been queued for longest, if that is beyond SchedulerOptions::starvation_bound;
  // else nullptr. Jobs that their users' quotas do not admit now are passed over, here and below.
  [[nodiscard]] virtual QueuedJob* Starved() const = 0;
  // Starved(), or else the first in queue order; nullptr if nobody waits.
  [[nodiscard]] virtual QueuedJob* Head() const = 0;
  // Over the queued jobs that are not known not to fit; `filter` as in QueueCursor.
  [[nodiscard]] virtual QueueCursor Candidates(const BackfillFilter* filter = nullptr) const = 0;
  // REQUIRES: TryStart has just answered kDoesNotFit for it.
  [[nodiscard]] virtual Reservation Reserve(const QueuedJob& job) const = 0;
  // Starts the job if leaves for it are free and, if there is a reservation, its start does not
  // delay that. REQUIRES: it is queued.
  virtual StartResult TryStart(QueuedJob& job, Reservation* reservation = nullptr) = 0;
  // The reservations of all waiting jobs. REQUIRES: the policy plans().
  virtual Plan& plan() = 0;
  // Starts the job on leaves of the profile that the plan has for it, if they are free.
  // REQUIRES: it is planned.
  virtual StartResult TryStartPlanned(QueuedJob& job) = 0;

 protected:
  SchedulingPass() = default;
};

// Decides in which order jobs wait, and who may start past whom. One file a policy.
//
// Threading: const and stateless; one object may serve many threads.
class QueuePolicy {
 public:
  virtual ~QueuePolicy() = default;
  QueuePolicy(const QueuePolicy&) = delete;
  QueuePolicy& operator=(const QueuePolicy&) = delete;

  [[nodiscard]] virtual std::string_view name() const = 0;
  // The job's place among those of equal priority and usage; smaller is earlier, equal keys wait in
  // order of submission.
  [[nodiscard]] virtual int64_t KeyOf(const Job& job) const = 0;
  // Whether a job may start while one before it in the queue waits.
  [[nodiscard]] virtual bool skips() const = 0;
  // Whether the scheduler is to keep a Plan.
  [[nodiscard]] virtual bool plans() const { return false; }
  // Starts all that shall start now.
  virtual void Run(SchedulingPass& pass) const = 0;

 protected:
  QueuePolicy() = default;
};

// "fifo", "fifo-skip", "sjf", "easy", "conservative".
const std::vector<std::string>& QueuePolicyNames();

// Errors: kNotFound, listing the names.
Result<std::unique_ptr<QueuePolicy>> MakeQueuePolicy(std::string_view name);

}  // namespace flexmig::sched
