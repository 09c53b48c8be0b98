#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/base/units.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/types.h"

namespace flexmig::mig {

// One GPU instance of a layout.
struct PlacedProfile {
  ProfileId profile;
  Placement placement;

  // By place first, so that a sorted layout reads along the GPU.
  friend auto operator<=>(const PlacedProfile& a, const PlacedProfile& b) {
    if (const auto order = a.placement <=> b.placement; order != 0) return order;
    return a.profile <=> b.profile;
  }
  friend bool operator==(const PlacedProfile&, const PlacedProfile&) = default;
};

// All GPU instances of one GPU, sorted.
using MigLayout = std::vector<PlacedProfile>;

// How many instances of each profile, by name; "which", not "where".
using ProfileCounts = std::map<std::string, int>;

// Whether the instances can exist together: every placement legal for its profile, none
// overlapping, compute slices within the board's, no profile above its maximum, media engines held
// once (see MediaEngines). Errors: kInvalidArgument for an unknown profile id or a placement that
// is never legal, kResourceExhausted naming the rule and the instances otherwise.
// Cost: O(n^2) for n instances, n <= placement_units.
Status CheckLayout(const GpuModel& model, std::span<const PlacedProfile> layout);

// Places the counts on an empty GPU. Deterministic: larger profiles first, each at its lowest
// legal start, backtracking where that leads nowhere.
// Errors: kNotFound for a profile name, kInvalidArgument for a negative count, kResourceExhausted
// if no arrangement exists.
Result<MigLayout> PlaceCounts(const GpuModel& model, const ProfileCounts& counts);

// As many instances of one profile as the board takes: the leaves of a flattened GPU.
// Errors: kNotFound for the name.
Result<MigLayout> UniformLayout(const GpuModel& model, std::string_view profile);

// The smallest profile without suffix: what a GPU is flattened to unless told otherwise.
const Profile& DefaultLeafProfile(const GpuModel& model);

// "7x1g.5gb", "1g.5gb:6,1g.10gb:1", "all-1g.5gb" (uniform) or just "1g.5gb" (uniform).
// Errors: kInvalidArgument quoting the text, kNotFound for a profile name, kResourceExhausted if
// it does not fit.
Result<MigLayout> ParseLayout(const GpuModel& model, std::string_view text);

// "6 x 1g.5gb + 1 x 1g.10gb", smaller profiles first.
std::string DescribeLayout(const GpuModel& model, std::span<const PlacedProfile> layout);

// What a layout offers and what it gives up against the board without MIG (SMs) and against its
// whole-GPU instance (memory). Sums over profiles whose value is unknown are nullopt.
struct LayoutPrice {
  int instances = 0;
  std::optional<int> sms;
  int total_sms = 0;
  std::optional<Bytes> memory;
  std::optional<Bytes> total_memory;
  int memory_slices = 0;  // a share of the memory bandwidth, too
  int total_memory_slices = 0;
};
LayoutPrice PriceLayout(const GpuModel& model, std::span<const PlacedProfile> layout);

// Calls `visit` once for every layout that CheckLayout accepts, the empty one included, in
// lexicographic order of sorted layouts. Only profiles for which `use` is true take part.
void EnumerateLayouts(const GpuModel& model, const std::function<bool(const Profile&)>& use,
                      const std::function<void(std::span<const PlacedProfile>)>& visit);

}  // namespace flexmig::mig
