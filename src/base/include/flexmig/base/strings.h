#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"

namespace flexmig {

namespace internal {

inline void AppendTo(std::string& out, std::string_view text) { out += text; }
inline void AppendTo(std::string& out, char c) { out += c; }
// Constrained, because a string literal converts to bool sooner than to string_view.
template <std::same_as<bool> T>
void AppendTo(std::string& out, T value) {
  out += value ? "true" : "false";
}
template <std::integral T>
requires(!std::same_as<T, char> && !std::same_as<T, bool>) void AppendTo(std::string& out,
                                                                         T value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}
// The shortest text that reads back as the same value.
template <std::floating_point T>
void AppendTo(std::string& out, T value) {
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

}  // namespace internal

// The pieces one after the other: strings, characters, integers, floating point, bool.
template <typename... Pieces>
[[nodiscard]] std::string StrCat(const Pieces&... pieces) {
  std::string out;
  (internal::AppendTo(out, pieces), ...);
  return out;
}

// The items with `separator` between them.
[[nodiscard]] std::string StrJoin(const std::vector<std::string>& items,
                                  std::string_view separator);

// The pieces between separators; n separators give n + 1 pieces, "" gives one empty piece.
[[nodiscard]] std::vector<std::string_view> StrSplit(std::string_view text, char separator);

// Without leading and trailing spaces, tabs, carriage returns and newlines.
[[nodiscard]] std::string_view StripWhitespace(std::string_view text);

// The whole of `text` as a decimal number in [min, max]: no spaces, no '+', no trailing text.
// Errors: kInvalidArgument, quoting `text` and the range.
[[nodiscard]] Result<int64_t> ParseInt(std::string_view text, int64_t min, int64_t max);

// The whole of `text` as a finite decimal number in [min, max]. Errors as ParseInt.
[[nodiscard]] Result<double> ParseDouble(std::string_view text, double min, double max);

// `value` with exactly `decimals` digits behind the point, independent of the locale.
[[nodiscard]] std::string FormatFixed(double value, int decimals);

}  // namespace flexmig
