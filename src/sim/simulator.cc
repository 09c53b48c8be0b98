#include "flexmig/sim/simulator.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

#include "flexmig/alloc/policy.h"
#include "flexmig/base/strings.h"

#include "invariants.h"

namespace flexmig::sim {

namespace {

using sched::Duration;
using sched::TimePoint;

// Something that will happen; arrivals are not among them, they are in the workload already.
struct Event {
  // In the order in which events of one moment are handled.
  enum class Kind { kJobEnds, kGpuReady };
  TimePoint time;
  Kind kind = Kind::kJobEnds;
  size_t subject = 0;  // the job's index in the workload, or the GPU's

  friend auto operator<=>(const Event&, const Event&) = default;
};

class Run {
 public:
  Run(const Workload& workload, Scheme& scheme, sched::Scheduler scheduler)
      : workload_(workload),
        scheme_(scheme),
        scheduler_(std::move(scheduler)),
        invariants_(scheduler_.pool().inventory(), workload.jobs.size()) {
    outcome_.jobs.resize(workload.jobs.size());
  }

  Result<Outcome> Go();

 private:
  Status HandleMoment(TimePoint now);
  Status Submit(const WorkloadJob& job);
  Status Apply(const sched::StartJob& start, TimePoint now);
  Status Apply(const sched::RejectJob& reject, TimePoint now);
  Status Push(TimePoint now, Duration after, Event::Kind kind, size_t subject);

  const Workload& workload_;
  Scheme& scheme_;
  sched::Scheduler scheduler_;
  Invariants invariants_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  size_t next_arrival_ = 0;
  Outcome outcome_;
};

Result<Outcome> Run::Go() {
  FLEXMIG_RETURN_IF_ERROR(scheme_.Begin(workload_.jobs.front().submit_time, scheduler_));
  while (next_arrival_ < workload_.jobs.size() || !events_.empty()) {
    TimePoint now = TimePoint::max();
    if (!events_.empty()) now = events_.top().time;
    if (next_arrival_ < workload_.jobs.size()) {
      now = std::min(now, workload_.jobs[next_arrival_].submit_time);
    }
    FLEXMIG_RETURN_IF_ERROR(HandleMoment(now));
  }
  FLEXMIG_RETURN_IF_ERROR(invariants_.OnEnd());
  return std::move(outcome_);
}

Status Run::HandleMoment(TimePoint now) {
  FLEXMIG_RETURN_IF_ERROR(invariants_.OnTime(now));
  while (!events_.empty() && events_.top().time == now) {
    const Event event = events_.top();
    events_.pop();
    switch (event.kind) {
      case Event::Kind::kJobEnds: {
        const JobOutcome& job = outcome_.jobs[event.subject];
        FLEXMIG_RETURN_IF_ERROR(
            invariants_.OnFinish(event.subject, job.finish_time - job.start_time));
        FLEXMIG_RETURN_IF_ERROR(scheduler_.Finish(now, workload_.jobs[event.subject].id));
        break;
      }
      case Event::Kind::kGpuReady:
        FLEXMIG_RETURN_IF_ERROR(
            scheme_.Reconfigured(now, mig::GpuIndex(static_cast<int>(event.subject)), scheduler_));
        break;
    }
  }
  while (next_arrival_ < workload_.jobs.size() &&
         workload_.jobs[next_arrival_].submit_time == now) {
    FLEXMIG_RETURN_IF_ERROR(Submit(workload_.jobs[next_arrival_++]));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto begun, scheme_.BeforeTick(now, scheduler_));
  for (const Reconfiguration& reconfiguration : begun) {
    FLEXMIG_RETURN_IF_ERROR(invariants_.OnReconfigure(reconfiguration.gpu));
    const Duration after = reconfiguration.ready - now;
    FLEXMIG_RETURN_IF_ERROR(
        Push(now, after, Event::Kind::kGpuReady, static_cast<size_t>(reconfiguration.gpu.value())));
    ++outcome_.reconfigurations;
    outcome_.reconfiguration_time += after;
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto decisions, scheduler_.Tick(now));
  for (const sched::Decision& decision : decisions) {
    FLEXMIG_RETURN_IF_ERROR(
        std::visit([&](const auto& decided) { return Apply(decided, now); }, decision));
  }
  return OkStatus();
}

Status Run::Submit(const WorkloadJob& job) {
  sched::Job submitted;
  submitted.id = job.id;
  submitted.request = scheme_.RequestFor(job);
  // The trace's run time, not the scheme's: every scheme sorts its queue by the same estimates.
  submitted.estimate = job.duration;
  return scheduler_.Submit(job.submit_time, std::move(submitted));
}

Status Run::Apply(const sched::StartJob& start, TimePoint now) {
  const size_t index = workload_.index.at(start.job);
  FLEXMIG_RETURN_IF_ERROR(invariants_.OnStart(index, start.allocation.leaves));
  const Duration run_time =
      scheme_.RunTime(workload_.jobs[index], start.allocation, scheduler_.pool());
  FLEXMIG_RETURN_IF_ERROR(Push(now, run_time, Event::Kind::kJobEnds, index));
  outcome_.jobs[index] = {true, now, now + run_time, invariants_.HeldSlices(index)};
  return OkStatus();
}

Status Run::Apply(const sched::RejectJob& reject, TimePoint /*now*/) {
  FLEXMIG_RETURN_IF_ERROR(invariants_.OnReject(workload_.index.at(reject.job)));
  if (outcome_.first_rejection.empty()) {
    outcome_.first_rejection = StrCat("job ", reject.job.value(), ": ", reject.reason.message());
  }
  return OkStatus();
}

Status Run::Push(TimePoint now, Duration after, Event::Kind kind, size_t subject) {
  // Half the range is left for sums of two times.
  constexpr Duration kEnd(std::numeric_limits<int64_t>::max() / 2);
  if (after > kEnd - now.time_since_epoch()) {
    return InvalidArgumentError("the schedule ends later than 2^62 microseconds");
  }
  events_.push({now + after, kind, subject});
  return OkStatus();
}

}  // namespace

Result<Outcome> Simulate(const Workload& workload, Scheme& scheme,
                         std::unique_ptr<sched::QueuePolicy> queue_policy) {
  FLEXMIG_ASSIGN_OR_RETURN(auto allocation_policy, alloc::MakePolicy(scheme.allocation_policy()));
  Run run(workload, scheme,
          sched::Scheduler(alloc::LeafPool(scheme.Inventory()), std::move(allocation_policy),
                           std::move(queue_policy)));
  auto outcome = run.Go();
  if (outcome.ok()) return outcome;
  return outcome.status().WithContext(StrCat("policy ", scheme.name()));
}

}  // namespace flexmig::sim
