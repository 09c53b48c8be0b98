// PTX text as the simulated CUDA library reads it.
//
// Promises checked: what is refused lacks a directive; names are names, and stand in the text
// behind
// ".entry".

#include <cstdint>
#include <string_view>

#include "flexmig/base/check.h"

#include "ptx.h"

namespace flexmig::cuda_sim {
namespace {

void Check(std::string_view text) {
  const auto module = ParsePtx(text);
  const bool has_both = text.find(".version") != std::string_view::npos &&
                        text.find(".target") != std::string_view::npos;
  FLEXMIG_CHECK((module != nullptr) == has_both);
  if (module == nullptr) return;
  for (const std::string& entry : module->entries) {
    FLEXMIG_CHECK(!entry.empty());
    FLEXMIG_CHECK(entry.find_first_of(" \t\n\r.(){},;") == std::string::npos);
    FLEXMIG_CHECK(text.find(entry) != std::string_view::npos);
  }
}

}  // namespace
}  // namespace flexmig::cuda_sim

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::cuda_sim::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
