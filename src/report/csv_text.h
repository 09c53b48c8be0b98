#pragma once

#include <string>
#include <string_view>

#include "flexmig/sched/time.h"

namespace flexmig::report {

// `text` as a field of RFC 4180: in double quotes, which are doubled inside, if it needs any.
std::string CsvText(std::string_view text);
// Seconds, exactly, with at most six decimals: "90", "0.5", "-0.000001".
std::string CsvSeconds(sched::Duration duration);
// Whole numbers as such, others with at most six decimals.
std::string CsvNumber(double value);

}  // namespace flexmig::report
