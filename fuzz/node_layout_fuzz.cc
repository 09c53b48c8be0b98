// The file of `flexmig checkpoint`.
//
// Promises checked: no exception escapes; a refusal is kInvalidArgument and names the file; what is
// accepted is the same after FormatNodeLayout and back.

#include <cstdint>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/partition/node_layout.h"

namespace flexmig::partition {
namespace {

void Check(std::string_view text) {
  const auto layout = ParseNodeLayout(text, "file");
  if (!layout.ok()) {
    FLEXMIG_CHECK(layout.status().code() == StatusCode::kInvalidArgument);
    FLEXMIG_CHECK(layout.status().message().starts_with("file:"));
    return;
  }
  const std::string written = FormatNodeLayout(*layout);
  const auto again = ParseNodeLayout(written, "file");
  FLEXMIG_CHECK(again.ok());
  FLEXMIG_CHECK(again->gpus == layout->gpus);
  FLEXMIG_CHECK(FormatNodeLayout(*again) == written);
}

}  // namespace
}  // namespace flexmig::partition

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::partition::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
