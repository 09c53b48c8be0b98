#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/sched/job_queue.h"

namespace flexmig::sched {

// What a queue policy sees of the scheduler, and can do, while it decides who starts now.
class SchedulingPass {
 public:
  virtual ~SchedulingPass() = default;
  SchedulingPass(const SchedulingPass&) = delete;
  SchedulingPass& operator=(const SchedulingPass&) = delete;

  [[nodiscard]] virtual TimePoint now() const = 0;
  [[nodiscard]] virtual const JobQueue& queue() const = 0;
  // Over the waiting jobs whose shape has not already been seen not to fit.
  [[nodiscard]] virtual QueueCursor Candidates() const = 0;
  // Starts the job if leaves for it are free, which takes it out of the queue; says whether it did.
  // REQUIRES: it waits.
  virtual bool TryStart(QueuedJob& job) = 0;

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
  // The job's place in the queue; smaller is earlier, equal keys wait in order of submission.
  [[nodiscard]] virtual int64_t KeyOf(const Job& job) const = 0;
  // Whether a job may start while one before it in the queue waits.
  [[nodiscard]] virtual bool skips() const = 0;
  // Starts all that shall start now.
  virtual void Run(SchedulingPass& pass) const = 0;

 protected:
  QueuePolicy() = default;
};

// "fifo", "fifo-skip", "sjf".
const std::vector<std::string>& QueuePolicyNames();

// Errors: kNotFound, listing the names.
Result<std::unique_ptr<QueuePolicy>> MakeQueuePolicy(std::string_view name);

}  // namespace flexmig::sched
