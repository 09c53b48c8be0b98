// The parsers of base: every line of the input goes to each of them.
//
// Promises checked: a refusal is kInvalidArgument; a number that is accepted lies in its range; a
// number that was printed reads back as the same.

#include <cstdint>
#include <limits>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/units.h"

namespace flexmig {
namespace {

template <typename T>
bool IsGood(const Result<T>& result) {
  FLEXMIG_CHECK(result.ok() || result.status().code() == StatusCode::kInvalidArgument);
  return result.ok();
}

void CheckLine(std::string_view line) {
  if (const auto bytes = ParseBytes(line); IsGood(bytes)) {
    FLEXMIG_CHECK(bytes->count() >= 0 && bytes->count() <= int64_t{1} << 53);
    FLEXMIG_CHECK(*ParseBytes(StrCat(bytes->count(), "B")) == *bytes);
    FLEXMIG_CHECK(!FormatBytes(*bytes).empty());
  }
  if (const auto duration = ParseDuration(line); IsGood(duration)) {
    FLEXMIG_CHECK(duration->count() >= 0);
    FLEXMIG_CHECK(*ParseDuration(StrCat(duration->count(), "ms")) == *duration);
  }
  if (const auto number = ParseInt(line, -1000, 1'000'000); IsGood(number)) {
    FLEXMIG_CHECK(*number >= -1000 && *number <= 1'000'000);
  }
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (const auto number = ParseInt(line, kMin, kMax); IsGood(number)) {
    FLEXMIG_CHECK(*ParseInt(StrCat(*number), kMin, kMax) == *number);
  }
  constexpr double kLargest = std::numeric_limits<double>::max();
  if (const auto number = ParseDouble(line, -kLargest, kLargest); IsGood(number)) {
    FLEXMIG_CHECK(*ParseDouble(StrCat(*number), -kLargest, kLargest) == *number);
  }
  const std::string_view stripped = StripWhitespace(line);
  FLEXMIG_CHECK(stripped == StripWhitespace(stripped));
}

}  // namespace
}  // namespace flexmig

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string_view line : flexmig::StrSplit(text, '\n')) flexmig::CheckLine(line);
  return 0;
}
