#include "flexmig/base/units.h"

#include <cmath>

#include "flexmig/base/strings.h"

namespace flexmig {

Result<Bytes> ParseBytes(std::string_view text) {
  struct Unit {
    std::string_view suffix;
    double bytes;
  };
  // Longer suffixes first: every one of them ends in "B".
  static constexpr Unit kUnits[] = {{"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30},
                                    {"TiB", 0x1p40}, {"kB", 1e3},     {"MB", 1e6},
                                    {"GB", 1e9},     {"TB", 1e12},    {"B", 1}};
  // Above 2^53 a double no longer holds every whole number.
  constexpr double kMax = 0x1p53;
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto number = ParseDouble(text.substr(0, text.size() - unit.suffix.size()), 0, kMax);
    if (!number.ok() || *number * unit.bytes > kMax) break;
    return Bytes::Of(std::llround(*number * unit.bytes));
  }
  return InvalidArgumentError(
      StrCat("'", text, "' is not an amount of memory: expected a number and a unit, e.g. 14GiB"));
}

std::string FormatBytes(Bytes bytes) {
  const auto count = static_cast<double>(bytes.count());
  if (std::abs(count) >= 0x1p30) return StrCat(FormatFixed(count / 0x1p30, 2), " GiB");
  if (std::abs(count) >= 0x1p20) return StrCat(FormatFixed(count / 0x1p20, 2), " MiB");
  if (std::abs(count) >= 0x1p10) return StrCat(FormatFixed(count / 0x1p10, 2), " KiB");
  return StrCat(bytes.count(), " B");
}

}  // namespace flexmig
