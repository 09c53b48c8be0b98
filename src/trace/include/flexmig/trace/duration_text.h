#pragma once

#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/sched/time.h"

namespace flexmig::trace {

// "250ms", "3.6s", "10min", "2h": a number with at most 6 decimals and its unit; a bare number is
// refused, not guessed. Errors: kInvalidArgument, quoting `text`, for anything else, for less than
// a microsecond's precision, and above 10^9 s.
Result<sched::Duration> ParseDuration(std::string_view text);

// In seconds, as short as is exact: "3.6s". REQUIRES: not negative.
std::string FormatDuration(sched::Duration duration);

}  // namespace flexmig::trace
