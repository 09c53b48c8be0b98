#pragma once

#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/sched/event_log.h"
#include "flexmig/sched/replay.h"

namespace flexmig::sched {

// The text form of a recording (docs/formats/event-log.md): a header of lines that says what the
// scheduler is made from, then one line an event. Text only; files are the caller's.

struct Recording {
  SchedulerSetup setup;
  EventLog log;
  // The text ended within a line, as when its writer was killed; that line is not in the log.
  bool cut_short = false;
};

// Both end in a newline.
std::string FormatSetup(const SchedulerSetup& setup);
std::string FormatRecording(const Recording& recording);
// One line without its newline.
std::string FormatEvent(const Event& event);

// One line without its newline. `name` and `number` are for messages. Errors as ParseRecording.
Result<Event> ParseEvent(std::string_view line, std::string_view name, size_t number);

// The whole of `text`, whose name is for messages. Reads what FormatRecording writes, strictly:
// what it has read is written as the same bytes again (without a line that was cut short). Whether
// the events can happen in this order is for Replay to say. Errors: kInvalidArgument with
// name:line:column of the first wrong character, both from 1.
Result<Recording> ParseRecording(std::string_view text, std::string_view name);

}  // namespace flexmig::sched
