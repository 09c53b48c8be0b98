#include "flexmig/sched/replay.h"

#include <algorithm>

#include "flexmig/alloc/policy.h"
#include "flexmig/base/strings.h"
#include "flexmig/sched/event_log_text.h"

namespace flexmig::sched {

namespace {

// Tells the scheduler; a TickEvent's decisions are replaced.
class Teller {
 public:
  Teller(TimePoint time, Scheduler& scheduler) : time_(time), scheduler_(scheduler) {}

  Status operator()(SubmitEvent& event) const { return scheduler_.Submit(time_, event.job); }
  Status operator()(CancelEvent& event) const { return scheduler_.Cancel(time_, event.job); }
  Status operator()(FinishEvent& event) const {
    return scheduler_.Finish(time_, event.job, event.end);
  }
  Status operator()(HoldEvent& event) const { return scheduler_.Hold(time_, event.job); }
  Status operator()(ReleaseHoldEvent& event) const {
    return scheduler_.ReleaseHold(time_, event.job);
  }
  Status operator()(LeafLostEvent& event) const { return scheduler_.LeafLost(time_, event.leaf); }
  Status operator()(LeafBackEvent& event) const { return scheduler_.LeafBack(time_, event.leaf); }
  Status operator()(TickEvent& event) const {
    FLEXMIG_ASSIGN_OR_RETURN(const auto decisions, scheduler_.Tick(time_, event.max_starts));
    event.decisions.assign(decisions.begin(), decisions.end());
    return OkStatus();
  }

 private:
  TimePoint time_;
  Scheduler& scheduler_;
};

}  // namespace

Result<Scheduler> MakeScheduler(const SchedulerSetup& setup) {
  FLEXMIG_ASSIGN_OR_RETURN(auto allocation_policy, alloc::MakePolicy(setup.allocation_policy));
  FLEXMIG_ASSIGN_OR_RETURN(auto queue_policy, MakeQueuePolicy(setup.queue_policy));
  return Scheduler::Create(alloc::LeafPool(setup.inventory), std::move(allocation_policy),
                           std::move(queue_policy), setup.options);
}

Result<Event> Apply(const Event& event, Scheduler& scheduler) {
  Event told = event;
  FLEXMIG_RETURN_IF_ERROR(std::visit(Teller(event.time, scheduler), told.what));
  return told;
}

Result<EventLog> Replay(const EventLog& log, Scheduler& scheduler) {
  EventLog replayed;
  replayed.events.reserve(log.events.size());
  for (size_t i = 0; i < log.events.size(); ++i) {
    auto told = Apply(log.events[i], scheduler);
    if (!told.ok()) return told.status().WithContext(StrCat("event ", i + 1));
    replayed.events.push_back(*std::move(told));
  }
  return replayed;
}

std::optional<std::string> FirstDifference(const EventLog& expected, const EventLog& actual) {
  const size_t common = std::min(expected.events.size(), actual.events.size());
  for (size_t i = 0; i < common; ++i) {
    const std::string a = FormatEvent(expected.events[i]);
    const std::string b = FormatEvent(actual.events[i]);
    if (a != b) return StrCat("event ", i + 1, ": '", a, "' against '", b, "'");
  }
  if (expected.events.size() != actual.events.size()) {
    return StrCat(expected.events.size(), " events against ", actual.events.size());
  }
  return std::nullopt;
}

}  // namespace flexmig::sched
