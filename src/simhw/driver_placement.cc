#include "flexmig/simhw/driver_placement.h"

namespace flexmig::simhw {
namespace {

bool Fits(const mig::GpuModel& model, mig::MigLayout& layout, const mig::PlacedProfile& added) {
  layout.push_back(added);
  const bool fits = mig::CheckLayout(model, layout).ok();
  layout.pop_back();
  return fits;
}

// The (profile, start) pairs that still fit beside `layout`.
int CountPlaces(const mig::GpuModel& model, mig::MigLayout& layout) {
  int places = 0;
  for (const mig::Profile& profile : model.profiles) {
    for (const int start : profile.starts) {
      if (Fits(model, layout, {profile.id, {start, profile.memory_slices}})) ++places;
    }
  }
  return places;
}

}  // namespace

std::optional<mig::Placement> ChooseDriverPlacement(const mig::GpuModel& model,
                                                    std::span<const mig::PlacedProfile> present,
                                                    const mig::Profile& profile) {
  mig::MigLayout layout(present.begin(), present.end());
  std::optional<mig::Placement> best;
  int most_left = -1;
  for (const int start : profile.starts) {  // ascending, so that the lowest wins a tie
    const mig::PlacedProfile candidate{profile.id, {start, profile.memory_slices}};
    if (!Fits(model, layout, candidate)) continue;
    layout.push_back(candidate);
    const int left = CountPlaces(model, layout);
    layout.pop_back();
    if (left > most_left) {
      most_left = left;
      best = candidate.placement;
    }
  }
  return best;
}

int RemainingCapacity(const mig::GpuModel& model, std::span<const mig::PlacedProfile> present,
                      const mig::Profile& profile) {
  // Places of one profile are equally long, so taking the lowest that fits never costs one.
  mig::MigLayout layout(present.begin(), present.end());
  int count = 0;
  for (const int start : profile.starts) {
    const mig::PlacedProfile candidate{profile.id, {start, profile.memory_slices}};
    if (!Fits(model, layout, candidate)) continue;
    layout.push_back(candidate);
    ++count;
  }
  return count;
}

}  // namespace flexmig::simhw
