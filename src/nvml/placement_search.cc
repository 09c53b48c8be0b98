#include "placement_search.h"

#include <optional>
#include <vector>

#include "flexmig/base/strings.h"

namespace flexmig::nvml {
namespace {

using Made = PlacementDriver::Made;

Status Remove(const PlacementDriver& driver, const std::vector<Made>& placeholders) {
  Status first;
  for (const Made& made : placeholders) {
    const Status status = driver.destroy(made.id);
    if (!status.ok() && first.ok()) {
      first = status.WithContext(StrCat("placeholder ", made.id.value(), " stays"));
    }
  }
  return first;
}

// Lets the driver create instances of `profile` until one lies at `wanted` or none fits any more.
// The one at `wanted`, if any, is not among `others`.
Status Fill(const PlacementDriver& driver, const mig::Profile& profile, mig::Placement wanted,
            std::optional<Made>& hit, std::vector<Made>& others) {
  // One more than there are places: a driver that repeats itself must not hold us for ever.
  for (size_t i = 0; i <= profile.starts.size() && !hit; ++i) {
    const auto made = driver.create(profile.id);
    if (!made.ok()) {
      return made.status().code() == StatusCode::kResourceExhausted ? OkStatus() : made.status();
    }
    if (made->placement == wanted) {
      hit = *made;
    } else {
      others.push_back(*made);
    }
  }
  return OkStatus();
}

// A profile of the same size that a GPU takes as often as it fits.
const mig::Profile* PlainTwin(const mig::GpuModel& model, const mig::Profile& profile) {
  for (const mig::Profile& twin : model.profiles) {
    if (twin.id != profile.id && twin.memory_slices == profile.memory_slices &&
        twin.compute_slices == profile.compute_slices &&
        twin.media == mig::MediaEngines::kDefault && !twin.graphics) {
      return &twin;
    }
  }
  return nullptr;
}

}  // namespace

Result<mig::GpuInstanceId> CreateBySearch(const PlacementDriver& driver, const mig::GpuModel& model,
                                          const mig::PlacedProfile& wanted) {
  const mig::Profile& profile = *model.FindProfile(wanted.profile);
  std::vector<Made> placeholders;
  std::optional<Made> hit;
  Status status = Fill(driver, profile, wanted.placement, hit, placeholders);
  const bool full_at_once = !hit && placeholders.empty();
  Status removed = Remove(driver, placeholders);
  if (hit || !status.ok() || !removed.ok() || full_at_once) {
    if (!removed.ok()) return removed;
    if (!status.ok()) return status;
    if (hit) return hit->id;
    return ResourceExhaustedError(StrCat("the driver has no room for ", profile.name));
  }

  if (const mig::Profile* twin = PlainTwin(model, profile)) {
    placeholders.clear();
    status = Fill(driver, *twin, wanted.placement, hit, placeholders);
    std::optional<Made> created;
    if (status.ok() && hit) {
      // All places that the driver likes better are taken, so the one that is given back is next.
      status = driver.destroy(hit->id);
      if (status.ok()) {
        const auto made = driver.create(profile.id);
        if (made.ok()) created = *made;
      }
    }
    removed = Remove(driver, placeholders);
    if (!removed.ok()) return removed;
    if (!status.ok()) return status;
    if (created && created->placement == wanted.placement) return created->id;
    if (created) FLEXMIG_RETURN_IF_ERROR(driver.destroy(created->id));
  }
  return UnimplementedError(StrCat("this driver places ", profile.name,
                                   " itself, and its order does not lead to ",
                                   wanted.placement.start, ":", wanted.placement.size));
}

}  // namespace flexmig::nvml
