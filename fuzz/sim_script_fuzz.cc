// Scripts for simulated nodes.
//
// Promises checked: a refusal is kInvalidArgument and names file, line and column; what is accepted
// can be played, twice alike.

#include <cstdint>
#include <string_view>

#include "flexmig/base/check.h"
#include "flexmig/simhw/sim_script.h"

namespace flexmig::simhw {
namespace {

void Check(std::string_view text) {
  const auto script = ParseSimScript(text, "file");
  if (!script.ok()) {
    FLEXMIG_CHECK(script.status().code() == StatusCode::kInvalidArgument);
    FLEXMIG_CHECK(script.status().message().starts_with("file:"));
    return;
  }
  SimScriptPlayer first(*script);
  SimScriptPlayer second(*script);
  for (int call = 0; call < 50; ++call) {
    const SimOperation operation =
        kAllSimOperations[static_cast<size_t>(call) % std::size(kAllSimOperations)];
    const SimVerdict a = first.Next(operation, mig::GpuIndex(call % 3));
    const SimVerdict b = second.Next(operation, mig::GpuIndex(call % 3));
    FLEXMIG_CHECK(a.delay == b.delay && a.delay.count() >= 0);
    FLEXMIG_CHECK(a.fault == b.fault);
    FLEXMIG_CHECK(a.die_before == b.die_before && a.die_after == b.die_after);
  }
}

}  // namespace
}  // namespace flexmig::simhw

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flexmig::simhw::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
