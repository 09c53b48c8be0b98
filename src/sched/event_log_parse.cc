// The reading half of the event log's text form; event_log_format.cc writes it.

#include <algorithm>
#include <vector>

#include "flexmig/base/strings.h"
#include "flexmig/sched/event_log_text.h"

#include "event_log_line.h"

namespace flexmig::sched {

namespace {

// A list of numbers of at least `min`, with commas.
Result<std::vector<int64_t>> NumbersIn(Line& line, std::string_view word, int64_t min,
                                       int64_t max) {
  std::vector<int64_t> numbers;
  for (const std::string_view digits : StrSplit(word, ',')) {
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t number, line.NumberIn(digits, min, max));
    numbers.push_back(number);
  }
  return numbers;
}

Result<MoldableRange> ReadRange(Line& line) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string_view word, line.Word());
  const size_t dots = word.find("..");
  const size_t colon = word.find(':');
  if (dots == std::string_view::npos || colon == std::string_view::npos || colon < dots + 2) {
    return line.Wrong("expected a range such as 2..3:100,180");
  }
  MoldableRange range;
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t min, line.NumberIn(word.substr(0, dots), 1, kMaxInt));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t max,
                           line.NumberIn(word.substr(dots + 2, colon - dots - 2), min, kMaxInt));
  range.min_leaves = static_cast<int>(min);
  range.max_leaves = static_cast<int>(max);
  FLEXMIG_ASSIGN_OR_RETURN(range.speeds, NumbersIn(line, word.substr(colon + 1), 1, kMaxMicros));
  if (range.speeds.size() != static_cast<size_t>(max - min) + 1) {
    return line.Wrong("expected one speed for each number of leaves");
  }
  return range;
}

Result<Job> ReadJob(Line& line) {
  Job job;
  FLEXMIG_ASSIGN_OR_RETURN(job.id, line.Job());
  if (!line.Take("leaves=")) return line.WrongNext("expected leaves=");
  // Also such as no node could hold: their rejection is part of a log.
  FLEXMIG_ASSIGN_OR_RETURN(job.request.leaf_count, line.Int(-kMaxInt, kMaxInt));
  if (line.Take("memory=")) {
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t bytes, line.Number(1, kMaxMicros));
    job.request.min_memory = Bytes::Of(bytes);
  }
  if (line.Take("gpus=")) {
    FLEXMIG_ASSIGN_OR_RETURN(job.request.max_gpus, line.Int(-kMaxInt, kMaxInt));
  }
  if (line.Take("slices=")) {
    FLEXMIG_ASSIGN_OR_RETURN(job.request.min_compute_slices, line.Int(1, kMaxInt));
  }
  if (line.Take("nodes=")) {
    FLEXMIG_ASSIGN_OR_RETURN(job.request.max_nodes, line.Int(-kMaxInt, kMaxInt));
    if (job.request.max_nodes == 1) return line.WrongNext("1 node is not written");
  }
  if (line.Take("comm=light")) job.request.comm = alloc::Comm::kLight;
  if (line.Take("estimate=")) {
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t micros, line.Number(0, kMaxMicros));
    job.estimate = Duration(micros);
  }
  if (line.Take("limit=")) {
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t micros, line.Number(1, kMaxMicros));
    job.time_limit = Duration(micros);
  }
  if (line.Take("priority=")) {
    FLEXMIG_ASSIGN_OR_RETURN(job.priority, line.Int(-kMaxInt, kMaxInt));
    if (job.priority == 0) return line.Wrong("a priority of 0 is left out");
  }
  if (line.Take("user=")) {
    FLEXMIG_ASSIGN_OR_RETURN(job.user, line.Text());
    if (job.user.empty()) return line.Wrong("a user without name is left out");
  }
  job.held = line.Take("held");
  while (true) {
    const bool ok = line.Take("after-ok=");
    if (!ok && !line.Take("after-end=")) break;
    Dependency dependency;
    FLEXMIG_ASSIGN_OR_RETURN(dependency.job, line.Job());
    dependency.condition = ok ? Dependency::Condition::kEndedOk : Dependency::Condition::kEnded;
    job.after.push_back(std::move(dependency));
  }
  if (line.Take("range=")) {
    FLEXMIG_ASSIGN_OR_RETURN(job.moldable, ReadRange(line));
  }
  return job;
}

Result<TickEvent> ReadTick(Line& line) {
  TickEvent tick;
  if (line.Take("max=")) {
    FLEXMIG_ASSIGN_OR_RETURN(tick.max_starts, line.Int(0, kMaxInt));
  }
  while (!line.AtEnd()) {
    if (line.Take("start")) {
      StartJob start;
      FLEXMIG_ASSIGN_OR_RETURN(start.job, line.Job());
      FLEXMIG_ASSIGN_OR_RETURN(const std::string_view word, line.Word());
      FLEXMIG_ASSIGN_OR_RETURN(const auto leaves, NumbersIn(line, word, 0, kMaxInt));
      for (const int64_t leaf : leaves) {
        start.allocation.leaves.emplace_back(static_cast<int>(leaf));
      }
      tick.decisions.emplace_back(std::move(start));
    } else if (line.Take("reject")) {
      RejectJob reject;
      FLEXMIG_ASSIGN_OR_RETURN(reject.job, line.Job());
      FLEXMIG_ASSIGN_OR_RETURN(const std::string_view word, line.Word());
      const auto code =
          std::find_if(std::begin(kAllStatusCodes), std::end(kAllStatusCodes),
                       [&](StatusCode known) { return StatusCodeName(known) == word; });
      if (code == std::end(kAllStatusCodes) || *code == StatusCode::kOk) {
        return line.Wrong("expected an error code such as kInvalidArgument");
      }
      FLEXMIG_ASSIGN_OR_RETURN(std::string message, line.Text());
      reject.reason = Status(*code, std::move(message));
      tick.decisions.emplace_back(std::move(reject));
    } else if (line.Take("end")) {
      EndJob end;
      FLEXMIG_ASSIGN_OR_RETURN(end.job, line.Job());
      tick.decisions.emplace_back(std::move(end));
    } else {
      return line.WrongNext("expected start, reject or end");
    }
  }
  return tick;
}

// An event of one job.
template <typename EventType>
Status ReadNamed(Line& line, EventType event, Event& into) {
  FLEXMIG_RETURN_IF_ERROR(ReadInto(line.Job(), event.job));
  into.what = std::move(event);
  return OkStatus();
}

Result<Event> ReadEvent(Line& line) {
  Event event;
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t micros, line.Number(-kMaxMicros, kMaxMicros));
  event.time = TimePoint(Duration(micros));
  if (line.Take("submit")) {
    FLEXMIG_ASSIGN_OR_RETURN(Job job, ReadJob(line));
    event.what = SubmitEvent{std::move(job)};
  } else if (line.Take("cancel")) {
    FLEXMIG_RETURN_IF_ERROR(ReadNamed(line, CancelEvent(), event));
  } else if (line.Take("finish-ok")) {
    FLEXMIG_RETURN_IF_ERROR(ReadNamed(line, FinishEvent{{}, JobEnd::kOk}, event));
  } else if (line.Take("finish-failed")) {
    FLEXMIG_RETURN_IF_ERROR(ReadNamed(line, FinishEvent{{}, JobEnd::kFailed}, event));
  } else if (line.Take("hold")) {
    FLEXMIG_RETURN_IF_ERROR(ReadNamed(line, HoldEvent(), event));
  } else if (line.Take("release")) {
    FLEXMIG_RETURN_IF_ERROR(ReadNamed(line, ReleaseHoldEvent(), event));
  } else if (line.Take("leaf-lost")) {
    FLEXMIG_ASSIGN_OR_RETURN(const int leaf, line.Int(0, kMaxInt));
    event.what = LeafLostEvent{mig::LeafId(leaf)};
  } else if (line.Take("leaf-back")) {
    FLEXMIG_ASSIGN_OR_RETURN(const int leaf, line.Int(0, kMaxInt));
    event.what = LeafBackEvent{mig::LeafId(leaf)};
  } else if (line.Take("tick")) {
    FLEXMIG_ASSIGN_OR_RETURN(event.what, ReadTick(line));
  } else {
    return line.WrongNext(
        "expected submit, cancel, finish-ok, finish-failed, hold, release, leaf-lost, leaf-back "
        "or tick");
  }
  FLEXMIG_RETURN_IF_ERROR(line.End());
  return event;
}

}  // namespace

Result<Event> ParseEvent(std::string_view line, std::string_view name, size_t number) {
  Line words(line, name, number);
  return ReadEvent(words);
}

Result<Recording> ParseRecording(std::string_view text, std::string_view name) {
  Recording recording;
  Lines lines(text, name);
  FLEXMIG_RETURN_IF_ERROR(ReadSetup(lines, recording.setup));
  while (lines.Next()) {
    Line line = lines.Current();
    FLEXMIG_ASSIGN_OR_RETURN(Event event, ReadEvent(line));
    recording.log.events.push_back(std::move(event));
  }
  recording.cut_short = lines.cut_short();
  return recording;
}

}  // namespace flexmig::sched
