#include "flexmig/sim/simulator.h"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <utility>

#include "flexmig/alloc/policy.h"
#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

#include "invariants.h"
#include "running_jobs.h"

namespace flexmig::sim {

namespace {

using sched::Duration;
using sched::TimePoint;

// Something that will happen; arrivals are not among them, they are in the workload already.
struct Event {
  // In the order in which events of one moment are handled.
  enum class Kind { kJobEnds, kLeavesFree, kGpuReady };
  TimePoint time;
  Kind kind = Kind::kJobEnds;
  size_t subject = 0;    // the job's index in the workload, or the GPU's
  uint32_t version = 0;  // of a job's end, see RunningJobs::End

  friend auto operator<=>(const Event&, const Event&) = default;
};

// In the scheduler and its event log.
JobId NameOf(const WorkloadJob& job) { return JobId(StrCat(job.id.value())); }

class Simulation {
 public:
  Simulation(const Workload& workload, Scheme& scheme, sched::Scheduler scheduler,
             const SimulationOptions& options)
      : options_(options),
        workload_(workload),
        scheme_(scheme),
        scheduler_(std::move(scheduler)),
        invariants_(scheduler_.pool().inventory(), workload.jobs.size()),
        running_(scheduler_.pool().inventory(), scheme.context().communication) {
    outcome_.jobs.resize(workload.jobs.size());
  }

  Result<Outcome> Go();

 private:
  // Calls one function of every observer.
  template <typename... Parameters, typename... Arguments>
  Status Tell(Status (RunObserver::*what)(Parameters...), const Arguments&... arguments) {
    for (RunObserver* observer : options_.observers) {
      FLEXMIG_RETURN_IF_ERROR((observer->*what)(arguments...));
    }
    return OkStatus();
  }
  Status HandleMoment(TimePoint now);
  Status Submit(size_t job);
  // The job of a decision, which waits no longer.
  size_t TakeWaiting(const JobId& id);
  Status Apply(const sched::StartJob& start, TimePoint now);
  Status Apply(const sched::RejectJob& reject, TimePoint now);
  Status Apply(const sched::EndJob& end, TimePoint now);
  Status End(size_t job, TimePoint now);
  Status Free(size_t job, TimePoint now);
  Status PushEnds(Result<const std::vector<RunningJobs::End>*> ends);

  const SimulationOptions& options_;
  const Workload& workload_;
  Scheme& scheme_;
  sched::Scheduler scheduler_;
  Invariants invariants_;
  RunningJobs running_;
  std::unordered_map<JobId, size_t> waiting_;
  // Teardown times of running jobs that have one.
  std::unordered_map<size_t, Duration> teardowns_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  size_t next_arrival_ = 0;
  Outcome outcome_;
};

Result<Outcome> Simulation::Go() {
  const TimePoint begin = workload_.jobs.front().submit_time;
  FLEXMIG_RETURN_IF_ERROR(scheme_.Begin(begin, scheduler_));
  FLEXMIG_RETURN_IF_ERROR(Tell(&RunObserver::OnBegin, begin, scheduler_));
  while (true) {
    TimePoint now = scheduler_.next_timer().value_or(TimePoint::max());
    if (!events_.empty()) now = std::min(now, events_.top().time);
    if (next_arrival_ < workload_.jobs.size()) {
      now = std::min(now, workload_.jobs[next_arrival_].submit_time);
    }
    if (now == TimePoint::max()) break;
    if (options_.give_up_after && now > *options_.give_up_after) {
      return AbortedError("something is left to do after the time to give up");
    }
    FLEXMIG_RETURN_IF_ERROR(HandleMoment(now));
  }
  FLEXMIG_RETURN_IF_ERROR(invariants_.OnEnd());
  return std::move(outcome_);
}

Status Simulation::HandleMoment(TimePoint now) {
  FLEXMIG_RETURN_IF_ERROR(invariants_.OnTime(now));
  while (!events_.empty() && events_.top().time == now) {
    const Event event = events_.top();
    events_.pop();
    switch (event.kind) {
      case Event::Kind::kJobEnds:
        if (!running_.IsCurrent({event.subject, event.version, now})) break;
        FLEXMIG_RETURN_IF_ERROR(End(event.subject, now));
        break;
      case Event::Kind::kLeavesFree: FLEXMIG_RETURN_IF_ERROR(Free(event.subject, now)); break;
      case Event::Kind::kGpuReady: {
        const mig::GpuIndex gpu(static_cast<int>(event.subject));
        FLEXMIG_RETURN_IF_ERROR(scheme_.Reconfigured(now, gpu, scheduler_));
        FLEXMIG_RETURN_IF_ERROR(Tell(&RunObserver::OnInService, now, gpu));
        break;
      }
    }
  }
  while (next_arrival_ < workload_.jobs.size() &&
         workload_.jobs[next_arrival_].submit_time == now) {
    FLEXMIG_RETURN_IF_ERROR(Submit(next_arrival_));
    FLEXMIG_RETURN_IF_ERROR(Tell(&RunObserver::OnSubmit, now, next_arrival_++));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto begun, scheme_.BeforeTick(now, scheduler_));
  for (const Reconfiguration& reconfiguration : begun) {
    FLEXMIG_RETURN_IF_ERROR(invariants_.OnReconfigure(reconfiguration.gpu));
    events_.push({reconfiguration.ready, Event::Kind::kGpuReady,
                  static_cast<size_t>(reconfiguration.gpu.value())});
    ++outcome_.reconfigurations;
    outcome_.reconfiguration_time += reconfiguration.ready - now;
    FLEXMIG_RETURN_IF_ERROR(Tell(&RunObserver::OnOutOfService, now, reconfiguration.gpu));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto decisions, scheduler_.Tick(now));
  for (const sched::Decision& decision : decisions) {
    FLEXMIG_RETURN_IF_ERROR(
        std::visit([&](const auto& decided) { return Apply(decided, now); }, decision));
  }
  return Tell(&RunObserver::OnMoment, now, scheduler_);
}

Status Simulation::Submit(size_t index) {
  const WorkloadJob& job = workload_.jobs[index];
  sched::Job submitted;
  submitted.id = NameOf(job);
  waiting_.emplace(submitted.id, index);
  submitted.request = scheme_.RequestFor(job);
  submitted.moldable = scheme_.MoldableFor(job);
  // The trace's run time, not the scheme's: every scheme sorts its queue by the same estimates.
  submitted.estimate = job.duration;
  return scheduler_.Submit(job.submit_time, std::move(submitted));
}

size_t Simulation::TakeWaiting(const JobId& id) {
  const auto at = waiting_.find(id);
  FLEXMIG_CHECK(at != waiting_.end());
  const size_t index = at->second;
  waiting_.erase(at);
  return index;
}

Status Simulation::Apply(const sched::StartJob& start, TimePoint now) {
  const size_t index = TakeWaiting(start.job);
  FLEXMIG_RETURN_IF_ERROR(invariants_.OnStart(index, start.allocation.leaves));
  const WorkloadJob& job = workload_.jobs[index];
  const JobRun run = scheme_.Start(now, job, start.allocation, scheduler_.pool());
  if (run.teardown.count() > 0) teardowns_.emplace(index, run.teardown);
  outcome_.jobs[index] = {true, invariants_.HeldSlices(index), now, now, now};
  FLEXMIG_RETURN_IF_ERROR(
      PushEnds(running_.Start(index, now, run, job.duration, start.allocation)));
  return Tell(&RunObserver::OnStart, now, index, start.allocation);
}

Status Simulation::Apply(const sched::RejectJob& reject, TimePoint now) {
  const size_t index = TakeWaiting(reject.job);
  FLEXMIG_RETURN_IF_ERROR(invariants_.OnReject(index));
  if (outcome_.first_rejection.empty()) {
    outcome_.first_rejection = StrCat("job ", reject.job.value(), ": ", reject.reason.message());
  }
  return Tell(&RunObserver::OnReject, now, index);
}

Status Simulation::Apply(const sched::EndJob& end, TimePoint /*now*/) {
  return InternalError(
      StrCat("job ", end.job.value(), " has no time limit, but it is said to be over"));
}

Status Simulation::End(size_t index, TimePoint now) {
  outcome_.jobs[index].finish_time = now;
  FLEXMIG_RETURN_IF_ERROR(PushEnds(running_.Finish(index, now)));
  FLEXMIG_RETURN_IF_ERROR(Tell(&RunObserver::OnFinish, now, index));
  const auto teardown = teardowns_.find(index);
  if (teardown == teardowns_.end()) return Free(index, now);
  events_.push({now + teardown->second, Event::Kind::kLeavesFree, index});
  teardowns_.erase(teardown);
  return OkStatus();
}

Status Simulation::Free(size_t index, TimePoint now) {
  JobOutcome& job = outcome_.jobs[index];
  job.release_time = now;
  FLEXMIG_RETURN_IF_ERROR(invariants_.OnFinish(index, now - job.start_time));
  FLEXMIG_RETURN_IF_ERROR(scheduler_.Finish(now, NameOf(workload_.jobs[index])));
  return Tell(&RunObserver::OnRelease, now, index);
}

Status Simulation::PushEnds(Result<const std::vector<RunningJobs::End>*> ends) {
  FLEXMIG_RETURN_IF_ERROR(ends.status());
  for (const RunningJobs::End& end : **ends) {
    events_.push({end.time, Event::Kind::kJobEnds, end.job, end.version});
  }
  return OkStatus();
}

}  // namespace

Result<Outcome> Simulate(const Workload& workload, Scheme& scheme,
                         std::unique_ptr<sched::QueuePolicy> queue_policy,
                         const SimulationOptions& options) {
  FLEXMIG_ASSIGN_OR_RETURN(auto allocation_policy, scheme.AllocationPolicy());
  FLEXMIG_ASSIGN_OR_RETURN(
      sched::Scheduler scheduler,
      sched::Scheduler::Create(alloc::LeafPool(scheme.Inventory()), std::move(allocation_policy),
                               std::move(queue_policy), options.scheduler));
  scheduler.set_recorder(options.event_log);
  Simulation simulation(workload, scheme, std::move(scheduler), options);
  auto outcome = simulation.Go();
  if (outcome.ok()) return outcome;
  return outcome.status().WithContext(StrCat("policy ", scheme.name()));
}

}  // namespace flexmig::sim
