#include "flexmig/mig/layout.h"

#include <algorithm>

#include "flexmig/base/strings.h"

namespace flexmig::mig {

namespace {

// The driver's limit of GPU instances per GPU (kernel_mig_manager.c of the open kernel modules).
constexpr size_t kMaxGpuInstances = 8;

std::string Describe(const Profile& profile, Placement placement) {
  return StrCat(profile.name, " at ", placement.start, ":", placement.size);
}

bool HoldsMediaSet(const Profile& profile) {
  return profile.media == MediaEngines::kMe || profile.media == MediaEngines::kMeAll;
}

// Whether two instances exclude each other, whatever else is on the GPU.
Status CheckPair(const Profile& a, Placement at_a, const Profile& b, Placement at_b) {
  if (at_a.Overlaps(at_b)) {
    return ResourceExhaustedError(StrCat(Describe(a, at_a), " overlaps ", Describe(b, at_b)));
  }
  if (HoldsMediaSet(a) && HoldsMediaSet(b)) {
    return ResourceExhaustedError(
        StrCat(Describe(a, at_a), " and ", Describe(b, at_b), " both hold the media engines"));
  }
  const auto excludes = [](const Profile& all, const Profile& other) {
    return all.media == MediaEngines::kMeAll && other.media != MediaEngines::kNone;
  };
  if (excludes(a, b) || excludes(b, a)) {
    return ResourceExhaustedError(StrCat(Describe(a, at_a), " and ", Describe(b, at_b),
                                         ": +me.all leaves no media engine to others"));
  }
  return OkStatus();
}

}  // namespace

Status CheckLayout(const GpuModel& model, std::span<const PlacedProfile> layout) {
  std::vector<const Profile*> profiles;
  std::map<ProfileId, int> counts;
  int compute_slices = 0;
  for (const PlacedProfile& placed : layout) {
    const Profile* profile = model.FindProfile(placed.profile);
    if (profile == nullptr) {
      return InvalidArgumentError(
          StrCat(model.product, " has no profile id ", placed.profile.value()));
    }
    const auto& starts = profile->starts;
    if (placed.placement.size != profile->memory_slices ||
        std::find(starts.begin(), starts.end(), placed.placement.start) == starts.end()) {
      return InvalidArgumentError(
          StrCat(Describe(*profile, placed.placement), " is not a placement of ", model.product));
    }
    for (size_t i = 0; i < profiles.size(); ++i) {
      FLEXMIG_RETURN_IF_ERROR(
          CheckPair(*profiles[i], layout[i].placement, *profile, placed.placement));
    }
    if (++counts[profile->id] > profile->max_instances) {
      return ResourceExhaustedError(
          StrCat(model.product, " takes at most ", profile->max_instances, " x ", profile->name));
    }
    compute_slices += profile->compute_slices;
    profiles.push_back(profile);
  }
  if (compute_slices > model.compute_slices) {
    return ResourceExhaustedError(StrCat("the instances need ", compute_slices, " compute slices, ",
                                         model.product, " has ", model.compute_slices));
  }
  if (layout.size() > kMaxGpuInstances) {
    return ResourceExhaustedError(
        StrCat(layout.size(), " GPU instances, the driver takes ", kMaxGpuInstances));
  }
  return OkStatus();
}

namespace {

// Places wanted[next...] behind `layout`; leaves `layout` as it was if there is no way. Instances
// of one profile go to ascending starts, since their order means nothing.
bool PlaceFrom(const GpuModel& model, std::span<const Profile* const> wanted, MigLayout& layout) {
  if (wanted.empty()) return true;
  const Profile& profile = *wanted.front();
  for (const int start : profile.starts) {
    const bool same_as_last = !layout.empty() && layout.back().profile == profile.id;
    if (same_as_last && start <= layout.back().placement.start) continue;
    layout.push_back({profile.id, {start, profile.memory_slices}});
    if (CheckLayout(model, layout).ok() && PlaceFrom(model, wanted.subspan(1), layout)) return true;
    layout.pop_back();
  }
  return false;
}

}  // namespace

Result<MigLayout> PlaceCounts(const GpuModel& model, const ProfileCounts& counts) {
  std::vector<const Profile*> wanted;
  for (const auto& [name, count] : counts) {
    FLEXMIG_ASSIGN_OR_RETURN(const Profile* profile, model.FindProfile(name));
    if (count < 0) return InvalidArgumentError(StrCat(name, ": ", count, " instances"));
    if (count > profile->max_instances) {
      return ResourceExhaustedError(StrCat(model.product, " takes at most ", profile->max_instances,
                                           " x ", name, ", not ", count));
    }
    wanted.insert(wanted.end(), static_cast<size_t>(count), profile);
  }
  // Large ones have the fewest places, so they choose first.
  std::stable_sort(wanted.begin(), wanted.end(), [](const Profile* a, const Profile* b) {
    return std::pair(a->memory_slices, a->compute_slices) >
           std::pair(b->memory_slices, b->compute_slices);
  });
  MigLayout layout;
  if (!PlaceFrom(model, wanted, layout)) {
    std::vector<std::string> parts;
    for (const auto& [name, count] : counts) parts.push_back(StrCat(count, " x ", name));
    return ResourceExhaustedError(
        StrCat(StrJoin(parts, " + "), " do not fit on ", model.product, " together"));
  }
  std::sort(layout.begin(), layout.end());
  return layout;
}

Result<MigLayout> UniformLayout(const GpuModel& model, std::string_view profile) {
  FLEXMIG_ASSIGN_OR_RETURN(const Profile* found, model.FindProfile(profile));
  return PlaceCounts(model, {{std::string(profile), found->max_instances}});
}

const Profile& DefaultLeafProfile(const GpuModel& model) {
  const Profile* smallest = nullptr;
  for (const Profile& profile : model.profiles) {
    if (profile.media != MediaEngines::kDefault || profile.graphics) continue;
    if (smallest == nullptr || std::pair(profile.compute_slices, profile.memory_slices) <
                                   std::pair(smallest->compute_slices, smallest->memory_slices)) {
      smallest = &profile;
    }
  }
  FLEXMIG_CHECK(smallest != nullptr);
  return *smallest;
}

LayoutPrice PriceLayout(const GpuModel& model, std::span<const PlacedProfile> layout) {
  LayoutPrice price;
  price.instances = static_cast<int>(layout.size());
  price.sms = 0;
  price.total_sms = model.total_sms;
  price.memory = Bytes();
  price.total_memory = model.WholeGpuProfile().memory;
  price.total_memory_slices = model.placement_units;
  for (const PlacedProfile& placed : layout) {
    const Profile* profile = model.FindProfile(placed.profile);
    FLEXMIG_CHECK(profile != nullptr);
    price.memory_slices += profile->memory_slices;
    if (price.sms && profile->sms) {
      *price.sms += *profile->sms;
    } else {
      price.sms.reset();
    }
    if (price.memory && profile->memory) {
      *price.memory += *profile->memory;
    } else {
      price.memory.reset();
    }
  }
  return price;
}

namespace {

void Extend(const GpuModel& model, std::span<const PlacedProfile> candidates, MigLayout& layout,
            const std::function<void(std::span<const PlacedProfile>)>& visit) {
  visit(layout);
  for (size_t i = 0; i < candidates.size(); ++i) {
    layout.push_back(candidates[i]);
    // Every rule only gets tighter with more instances, so an illegal prefix can be cut.
    if (CheckLayout(model, layout).ok()) Extend(model, candidates.subspan(i + 1), layout, visit);
    layout.pop_back();
  }
}

}  // namespace

void EnumerateLayouts(const GpuModel& model, const std::function<bool(const Profile&)>& use,
                      const std::function<void(std::span<const PlacedProfile>)>& visit) {
  std::vector<PlacedProfile> candidates;
  for (const Profile& profile : model.profiles) {
    if (!use(profile)) continue;
    for (const int start : profile.starts) {
      candidates.push_back({profile.id, {start, profile.memory_slices}});
    }
  }
  std::sort(candidates.begin(), candidates.end());
  MigLayout layout;
  Extend(model, candidates, layout, visit);
}

}  // namespace flexmig::mig
