// The record of created instances.
//
// Promises checked: a refusal is kDataLoss and names file, line and column; what is accepted is the
// same after Format and back.

#include <cstdint>
#include <string>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/partition/created_record.h"

namespace flexmig::partition {
namespace {

void Check(std::string_view text) {
  const auto record = CreatedRecord::Parse(text, "file");
  if (!record.ok()) {
    FLEXMIG_CHECK(record.status().code() == StatusCode::kDataLoss);
    FLEXMIG_CHECK(record.status().message().starts_with("file:"));
    return;
  }
  const std::string written = record->Format();
  const auto again = CreatedRecord::Parse(written, "file");
  FLEXMIG_CHECK(again.ok());
  FLEXMIG_CHECK(again->Format() == written);
}

}  // namespace
}  // namespace flexmig::partition

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::partition::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
