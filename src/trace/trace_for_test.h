#pragma once

#include <string>
#include <utility>

#include "flexmig/trace/byte_source.h"
#include "flexmig/trace/trace_file.h"

namespace flexmig::trace {

// Reads `text` as file "t" in `format`, strictly or skipping.
inline Result<Trace> ReadText(TraceFormat format, std::string text, bool skip = false) {
  return ReadTrace(FromMemory(std::move(text)), "t", {format, skip});
}

// The message of the refusal of `text`; a note that there was none otherwise.
inline std::string RefusalOf(TraceFormat format, std::string text) {
  const auto trace = ReadText(format, std::move(text));
  return trace.ok() ? "accepted" : trace.status().message();
}

// A whole-GPU job without memory.
inline JobRecord JobOf(int64_t id, sched::Duration submit, sched::Duration duration, int gpus,
                       std::string user, std::string vc, std::string status) {
  JobRecord job;
  job.id = TraceJobId(id);
  job.submit_time = sched::TimePoint(submit);
  job.duration = duration;
  job.demand_micro_gpus = int64_t{1'000'000} * gpus;
  job.num_gpus = gpus;
  job.user = std::move(user);
  job.vc = std::move(vc);
  job.status = std::move(status);
  return job;
}

}  // namespace flexmig::trace
