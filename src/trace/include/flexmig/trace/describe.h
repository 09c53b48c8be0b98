#pragma once

#include <cstdint>
#include <span>

#include "flexmig/base/status.h"
#include "flexmig/sched/time.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::trace {

// What a trace is like, before any scheduling.
// The q-quantile of n sorted values is the one at index floor(q n), counted from 0.
struct Description {
  int64_t jobs = 0;
  sched::TimePoint first_submit;
  sched::TimePoint last_submit;
  sched::Duration median_duration{};
  sched::Duration p95_duration{};
  sched::Duration max_duration{};
  // Jobs by demand: below, at and above one GPU.
  int64_t fractional = 0;
  int64_t one_gpu = 0;
  int64_t multi_gpu = 0;
  double gpu_hours = 0;  // demand x duration
  // GPUs in use if every job started when it was submitted, over the time from the first submission
  // to the last end. p95 is the least number that is not exceeded 95 % of that time. All are 0 if
  // no job takes time.
  double mean_gpus = 0;
  double p95_gpus = 0;
  double peak_gpus = 0;
};

// Errors: kInvalidArgument for no jobs. Cost: O(n log n). REQUIRES: sorted by submit time.
Result<Description> Describe(std::span<const JobRecord> jobs);

}  // namespace flexmig::trace
