#pragma once

#include <chrono>

namespace flexmig::sched {

using Duration = std::chrono::microseconds;

// The time line of a scheduler's owner: the wall clock in the daemon, simulated time in the
// simulator. Has no now(): time enters with events only.
struct Timeline {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Timeline>;
};
using TimePoint = Timeline::time_point;

// Stands for "not known" or "never", where times are compared.
inline constexpr TimePoint kNever = TimePoint::max();
inline constexpr Duration kUnbounded = Duration::max();

// `time + after`; kNever if that is beyond the end of time or `after` is kUnbounded.
// REQUIRES: after >= 0.
constexpr TimePoint AddClamped(TimePoint time, Duration after) {
  if (after == kUnbounded) return kNever;
  if (time > TimePoint() && after > kNever - time) return kNever;
  return time + after;
}

}  // namespace flexmig::sched
