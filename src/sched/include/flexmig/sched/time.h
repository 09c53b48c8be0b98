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

}  // namespace flexmig::sched
