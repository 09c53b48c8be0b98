#pragma once

#include <optional>
#include <string_view>

#include "flexmig/sched/time.h"

namespace flexmig::trace {

// Calendar times become times since the beginning of 2000, so that every day until 2031 fits the
// bounds of a trace.

// "2020-06-09 18:41:01" with at most 6 decimals behind the seconds, in a time zone that is not
// said: differences across a change to or from summer time are an hour off. nullopt for anything
// else, for days that do not exist, and outside of 2000 to 2030.
std::optional<sched::TimePoint> ParseLocalTime(std::string_view text);

// The same with the offset from UTC behind it, "+08:00" or "-07:30", as UTC. A text without offset
// is refused.
std::optional<sched::TimePoint> ParseZonedTime(std::string_view text);

// Whether the text is how these sources write that there is no time: "", "None", "NaT", "nan".
bool IsNoTime(std::string_view text);

}  // namespace flexmig::trace
