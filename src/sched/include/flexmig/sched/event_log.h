#pragma once

#include <utility>
#include <variant>
#include <vector>

#include "flexmig/base/strong_id.h"
#include "flexmig/mig/inventory.h"
#include "flexmig/sched/job.h"
#include "flexmig/sched/time.h"

namespace flexmig::sched {

// What can happen to a Scheduler: a call of the method of that name that succeeded.
struct SubmitEvent {
  Job job;
};
struct CancelEvent {
  JobId job;
};
struct FinishEvent {
  JobId job;
  JobEnd end = JobEnd::kOk;
};
struct HoldEvent {
  JobId job;
};
struct ReleaseHoldEvent {
  JobId job;
};
struct LeafLostEvent {
  mig::LeafId leaf;
};
struct LeafBackEvent {
  mig::LeafId leaf;
};
struct TickEvent {
  int max_starts = -1;              // below 0: any number
  std::vector<Decision> decisions;  // what it gave
};

struct Event {
  TimePoint time;
  std::variant<SubmitEvent, CancelEvent, FinishEvent, HoldEvent, ReleaseHoldEvent, LeafLostEvent,
               LeafBackEvent, TickEvent>
      what;
};

// All that happened to one scheduler since its beginning, in order. In memory: who wants a file
// writes event_log_text.h's form of it.
struct EventLog {
  std::vector<Event> events;

  template <typename EventType>
  void Add(TimePoint time, EventType event) {
    events.push_back({time, std::move(event)});
  }
};

}  // namespace flexmig::sched
