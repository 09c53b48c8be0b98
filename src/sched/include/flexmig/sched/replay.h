#pragma once

#include <optional>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/mig/inventory.h"
#include "flexmig/sched/event_log.h"
#include "flexmig/sched/options.h"
#include "flexmig/sched/scheduler.h"

namespace flexmig::sched {

// All that a scheduler is made from, by name: with an EventLog it is a recording.
struct SchedulerSetup {
  mig::NodeInventory inventory;
  std::string allocation_policy = "first-fit";
  std::string queue_policy = "fifo";
  SchedulerOptions options;
};

// Errors: kNotFound for a policy's name, and those of Scheduler::Create.
Result<Scheduler> MakeScheduler(const SchedulerSetup& setup);

// Tells the scheduler one event; the decisions of a TickEvent are not looked at, those that it
// gives now are returned in their place. Errors: those of the event.
Result<Event> Apply(const Event& event, Scheduler& scheduler);

// Plays all events of the log and returns what it would have been had this scheduler recorded it:
// the same events, with its own decisions. Errors: those of an event, naming its number.
Result<EventLog> Replay(const EventLog& log, Scheduler& scheduler);

// Where two logs of the same events differ, in words, or nullopt. Decisions are compared, and the
// number of events.
std::optional<std::string> FirstDifference(const EventLog& expected, const EventLog& actual);

}  // namespace flexmig::sched
