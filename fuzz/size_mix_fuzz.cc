// The mix of sizes of `flexmig frag`, a line of the input each.
//
// Promises checked: a refusal is kInvalidArgument; what is accepted keeps its ranges and can be
// measured on a pool.

#include <cmath>
#include <cstdint>
#include <string_view>

#include "flexmig/alloc/fragmentation.h"
#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"

namespace flexmig::alloc {
namespace {

void CheckLine(std::string_view line) {
  const auto mix = ParseSizeMix(line);
  FLEXMIG_CHECK(mix.ok() || mix.status().code() == StatusCode::kInvalidArgument);
  if (!mix.ok()) return;
  FLEXMIG_CHECK(!mix->entries.empty());
  for (const SizeMix::Entry& entry : mix->entries) {
    FLEXMIG_CHECK(entry.slices > 0 && entry.slices <= 1000 && entry.weight >= 1);
  }
  const mig::GpuModel& model = **mig::FindGpuModel("a30");
  static const LeafPool pool(
      mig::NodeInventory::Uniform(model, 1, *mig::UniformLayout(model, "1g.6gb")));
  const auto measured = MeasureFragmentation(pool, Sharing::kLeaves, *mix, {});
  FLEXMIG_CHECK(measured.unusable_share >= 0 && measured.unusable_share <= 1);
  FLEXMIG_CHECK(std::isfinite(measured.rounding_slices));
}

}  // namespace
}  // namespace flexmig::alloc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string_view line : flexmig::StrSplit(text, '\n')) {
    flexmig::alloc::CheckLine(line);
  }
  return 0;
}
