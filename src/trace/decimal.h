#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flexmig::trace {

// "12", "0.5", "6082.14" as millionths: digits, then at most 6 decimals; no sign, no exponent.
// Exact. nullopt for anything else and above `max_whole` (whole units, inclusive; at most 10^12).
std::optional<int64_t> ParseMillionths(std::string_view text, int64_t max_whole);

// The shortest text that reads back the same: "12", "0.5". REQUIRES: millionths >= 0.
std::string FormatMillionths(int64_t millionths);

}  // namespace flexmig::trace
