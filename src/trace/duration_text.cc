#include "flexmig/trace/duration_text.h"

#include <cstdint>

#include "flexmig/base/strings.h"
#include "flexmig/trace/job_record.h"

#include "decimal.h"

namespace flexmig::trace {

namespace {

struct Unit {
  std::string_view suffix;
  int64_t micros;
};
// "ms" and "min" before "s": the first suffix that matches counts.
constexpr Unit kUnits[] = {
    {"us", 1}, {"ms", 1'000}, {"min", 60'000'000}, {"h", 3'600'000'000}, {"s", 1'000'000}};

}  // namespace

Result<sched::Duration> ParseDuration(std::string_view text) {
  constexpr int64_t kMillion = 1'000'000;
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const std::string_view number = text.substr(0, text.size() - unit.suffix.size());
    const auto millionths = ParseMillionths(number, kMaxSeconds);
    if (!millionths) break;
    // In two parts, because 10^15 millionths of an hour would overflow.
    const int64_t whole = *millionths / kMillion;
    const int64_t rest = *millionths % kMillion * unit.micros;
    if (rest % kMillion != 0 || whole > kMaxSeconds * kMillion / unit.micros) break;
    const int64_t micros = whole * unit.micros + rest / kMillion;
    if (micros > kMaxSeconds * kMillion) break;
    return sched::Duration(micros);
  }
  return InvalidArgumentError(
      StrCat("'", text, "' is not a duration such as 250ms, 3.6s, 10min or 2h"));
}

std::string FormatDuration(sched::Duration duration) {
  return FormatMillionths(duration.count()) + "s";
}

}  // namespace flexmig::trace
