// Lines of results files of sweeps.
//
// Promises checked: a refusal is kInvalidArgument; what is accepted is written again as a line that
// reads the same.

#include <cstdint>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/sweep/results_file.h"

namespace flexmig::sweep {
namespace {

void Check(std::string_view text) {
  const auto parsed = ParseLine(text);
  if (!parsed.ok()) {
    FLEXMIG_CHECK(parsed.status().code() == StatusCode::kInvalidArgument);
    FLEXMIG_CHECK(!parsed.status().message().empty());
    return;
  }
  const std::string line = RenderLine(parsed->first, parsed->second);
  FLEXMIG_CHECK(line.find('\n') == std::string::npos);
  const auto again = ParseLine(line);
  FLEXMIG_CHECK(again.ok());
  FLEXMIG_CHECK(again->first == parsed->first);
  FLEXMIG_CHECK(RenderLine(again->first, again->second) == line);
}

}  // namespace
}  // namespace flexmig::sweep

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::sweep::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
