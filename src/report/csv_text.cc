#include "csv_text.h"

#include <cmath>

#include "flexmig/base/strings.h"

namespace flexmig::report {

namespace {

// "12.340000" as "12.34".
std::string WithoutZeros(std::string text) {
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::string CsvText(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string CsvSeconds(sched::Duration duration) {
  const int64_t micros = duration.count();
  const int64_t whole = micros / 1'000'000;
  const int64_t rest = std::abs(micros % 1'000'000);
  std::string text = micros < 0 && whole == 0 ? "-0" : StrCat(whole);
  if (rest == 0) return text;
  const std::string digits = StrCat(1'000'000 + rest);  // a leading 1 keeps the zeros
  return WithoutZeros(StrCat(text, ".", std::string_view(digits).substr(1)));
}

std::string CsvNumber(double value) {
  constexpr double kExact = 1e15;
  if (value == std::floor(value) && std::fabs(value) < kExact) {
    return StrCat(static_cast<int64_t>(value));
  }
  return WithoutZeros(FormatFixed(value, 6));
}

}  // namespace flexmig::report
