#include "decimal.h"

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::trace {

namespace {
constexpr int64_t kMillion = 1'000'000;
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
}  // namespace

std::optional<int64_t> ParseMillionths(std::string_view text, int64_t max_whole) {
  size_t i = 0;
  int64_t value = 0;
  for (; i < text.size() && IsDigit(text[i]); ++i) {
    value = value * 10 + (text[i] - '0');
    if (value > max_whole) return std::nullopt;  // before it can overflow
  }
  if (i == 0) return std::nullopt;
  value *= kMillion;
  if (i < text.size()) {
    if (text[i] != '.') return std::nullopt;
    const std::string_view decimals = text.substr(i + 1);
    if (decimals.empty() || decimals.size() > 6) return std::nullopt;
    int64_t unit = kMillion;
    for (const char c : decimals) {
      if (!IsDigit(c)) return std::nullopt;
      unit /= 10;
      value += unit * (c - '0');
    }
  }
  if (value > max_whole * kMillion) return std::nullopt;
  return value;
}

std::string FormatMillionths(int64_t millionths) {
  FLEXMIG_CHECK(millionths >= 0);
  std::string text = StrCat(millionths / kMillion);
  std::string decimals = StrCat(kMillion + millionths % kMillion).substr(1);
  decimals.erase(decimals.find_last_not_of('0') + 1);
  if (!decimals.empty()) text += "." + decimals;
  return text;
}

}  // namespace flexmig::trace
