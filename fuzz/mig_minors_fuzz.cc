// The driver's list of capabilities.
//
// Promises checked: a refusal is kDataLoss and names file and line; every entry is text of the
// input with a number that a device can have.

#include <cstdint>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/doctor/read_host.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto minors = flexmig::doctor::ParseMigMinors(text, "file");
  if (!minors.ok()) {
    FLEXMIG_CHECK(minors.status().code() == flexmig::StatusCode::kDataLoss);
    FLEXMIG_CHECK(minors.status().message().starts_with("file:"));
    return 0;
  }
  for (const auto& [name, minor] : *minors) {
    FLEXMIG_CHECK(text.find(name) != std::string_view::npos);
    FLEXMIG_CHECK(minor >= 0 && minor < (1 << 20));
  }
  return 0;
}
