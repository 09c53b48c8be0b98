#include "flexmig/base/env.h"

#include <cmath>
#include <cstdlib>

#include "flexmig/base/strings.h"

namespace flexmig {

std::optional<std::string> GetEnv(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

Result<int64_t> GetEnvInt(const char* name, int64_t fallback, int64_t min, int64_t max) {
  const auto text = GetEnv(name);
  if (!text) return fallback;
  auto value = ParseInt(*text, min, max);
  if (!value.ok()) return value.status().WithContext(name);
  return value;
}

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    double milliseconds;
  };
  // "ms" and "min" before the suffixes that they end in or begin with.
  static constexpr Unit kUnits[] = {{"ms", 1}, {"min", 60e3}, {"s", 1e3}, {"h", 3600e3}};
  constexpr double kMaxMilliseconds = 1e12;  // 31 years; keeps sums far from overflow
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto number =
        ParseDouble(text.substr(0, text.size() - unit.suffix.size()), 0, kMaxMilliseconds);
    if (!number.ok() || *number * unit.milliseconds > kMaxMilliseconds) break;
    return std::chrono::milliseconds(std::llround(*number * unit.milliseconds));
  }
  return InvalidArgumentError(
      StrCat("'", text, "' is not a duration: expected a number and ms, s, min or h"));
}

Result<std::chrono::milliseconds> GetEnvDuration(const char* name,
                                                 std::chrono::milliseconds fallback) {
  const auto text = GetEnv(name);
  if (!text) return fallback;
  auto value = ParseDuration(*text);
  if (!value.ok()) return value.status().WithContext(name);
  return value;
}

}  // namespace flexmig
