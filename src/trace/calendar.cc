#include "calendar.h"

#include <chrono>
#include <cstdint>

#include "flexmig/base/strings.h"

#include "decimal.h"

namespace flexmig::trace {

namespace {

// `digits` digits from `text` at `at`, nothing else.
std::optional<int> Digits(std::string_view text, size_t at, size_t digits) {
  if (text.size() < at + digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// The digits of "dd-dd-dd" at their places, where "-" stands for itself.
bool HasSeparators(std::string_view text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != 'd' && text[i] != pattern[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<sched::TimePoint> ParseLocalTime(std::string_view text) {
  using namespace std::chrono;
  if (!HasSeparators(text, "dddd-dd-dd dd:dd:dd")) return std::nullopt;
  const auto y = Digits(text, 0, 4);
  const auto mon = Digits(text, 5, 2);
  const auto d = Digits(text, 8, 2);
  const auto h = Digits(text, 11, 2);
  const auto min = Digits(text, 14, 2);
  if (!y || !mon || !d || !h || !min || !Digits(text, 17, 2)) return std::nullopt;
  const auto second_micros = ParseMillionths(text.substr(17), 59'999'999);
  const year_month_day date{year(*y), month(static_cast<unsigned>(*mon)),
                            day(static_cast<unsigned>(*d))};
  if (!date.ok() || *y < 2000 || *y > 2030 || *h > 23 || *min > 59) return std::nullopt;
  if (!second_micros || *second_micros >= 60'000'000) return std::nullopt;
  const auto days = sys_days(date) - sys_days(year(2000) / January / 1);
  return sched::TimePoint(days + hours(*h) + minutes(*min) + microseconds(*second_micros));
}

std::optional<sched::TimePoint> ParseZonedTime(std::string_view text) {
  using namespace std::chrono;
  constexpr size_t kOffset = 6;
  if (text.size() < kOffset) return std::nullopt;
  const std::string_view offset = text.substr(text.size() - kOffset);
  const auto local = ParseLocalTime(text.substr(0, text.size() - kOffset));
  if (!local || offset[3] != ':' || (offset[0] != '+' && offset[0] != '-')) return std::nullopt;
  const auto h = Digits(offset, 1, 2);
  const auto min = Digits(offset, 4, 2);
  if (!h || !min || *h > 14 || *min > 59) return std::nullopt;
  const sched::Duration east = hours(*h) + minutes(*min);
  return offset[0] == '+' ? *local - east : *local + east;
}

bool IsNoTime(std::string_view text) {
  return text.empty() || text == "None" || text == "NaT" || text == "nan";
}

}  // namespace flexmig::trace
