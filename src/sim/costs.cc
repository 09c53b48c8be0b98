#include "flexmig/sim/costs.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/trace/duration_text.h"

namespace flexmig::sim {

namespace {

// In milliseconds by compute slices; sizes that were not measured have the next larger one's value.
struct Family {
  std::string_view name;
  int create_ms[8];
  int destroy_ms[8];
  int largest;
};
constexpr Family kA30 = {"A30", {0, 110, 120, 130, 130}, {0, 100, 100, 100, 100}, 4};
constexpr Family kA100 = {
    "A100", {0, 160, 170, 200, 210, 240, 240, 240}, {0, 200, 200, 210, 210, 220, 220, 220}, 7};
constexpr Family kH100 = {
    "H100", {0, 160, 210, 330, 380, 420, 420, 420}, {0, 210, 230, 250, 260, 260, 260, 260}, 7};

const Family& FamilyOf(const mig::GpuModel& model) {
  if (model.architecture != mig::Architecture::kAmpere) return kH100;
  return model.compute_slices == kA30.largest ? kA30 : kA100;
}

sched::Duration OfSize(const int (&by_slices)[8], const Family& family, int slices) {
  return std::chrono::milliseconds(by_slices[std::min(slices, family.largest)]);
}

std::string Range(const std::optional<sched::Duration>& fixed, const int (&by_slices)[8],
                  const Family& family) {
  if (fixed) return trace::FormatDuration(*fixed);
  const auto seconds = [](int milliseconds) { return FormatFixed(milliseconds / 1000.0, 2); };
  const int low = by_slices[1];
  const int high = by_slices[family.largest];
  return low == high ? StrCat(seconds(low), " s") : StrCat(seconds(low), "-", seconds(high), " s");
}

}  // namespace

sched::Duration ReconfigurationCosts::Between(const mig::GpuModel& model,
                                              std::span<const mig::PlacedProfile> before,
                                              std::span<const mig::PlacedProfile> after) const {
  std::vector<mig::PlacedProfile> gone;
  std::vector<mig::PlacedProfile> made;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                      std::back_inserter(gone));
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(made));
  if (gone.empty() && made.empty()) return sched::Duration(0);
  sched::Duration sum = service_restart;
  const auto slices = [&](const mig::PlacedProfile& placed) {
    const mig::Profile* profile = model.FindProfile(placed.profile);
    FLEXMIG_CHECK(profile != nullptr);
    return profile->compute_slices;
  };
  for (const auto& placed : gone) sum += Destroy(model, slices(placed));
  for (const auto& placed : made) sum += Create(model, slices(placed));
  return sum;
}

sched::Duration ReconfigurationCosts::Create(const mig::GpuModel& model, int slices) const {
  const Family& family = FamilyOf(model);
  return create.value_or(OfSize(family.create_ms, family, slices));
}

sched::Duration ReconfigurationCosts::Destroy(const mig::GpuModel& model, int slices) const {
  const Family& family = FamilyOf(model);
  return destroy.value_or(OfSize(family.destroy_ms, family, slices));
}

std::string ReconfigurationCosts::Describe(const mig::GpuModel& model) const {
  const Family& family = FamilyOf(model);
  return StrCat("create ", Range(create, family.create_ms, family), ", destroy ",
                Range(destroy, family.destroy_ms, family), " an instance",
                create && destroy ? "" : StrCat(" (measured, ", family.name, ")"),
                ", service restart ", trace::FormatDuration(service_restart));
}

}  // namespace flexmig::sim
