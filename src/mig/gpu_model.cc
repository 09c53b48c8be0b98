#include "flexmig/mig/gpu_model.h"

#include <algorithm>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

#include "tables.h"

namespace flexmig::mig {

std::string_view ConfidenceName(Confidence confidence) {
  switch (confidence) {
    case Confidence::kDriverCapture: return "driver capture";
    case Confidence::kVendorSource: return "vendor source";
    case Confidence::kVendorDoc: return "vendor documentation";
    case Confidence::kInferred: return "inferred";
  }
  return "unknown";
}

std::string_view ArchitectureName(Architecture architecture) {
  switch (architecture) {
    case Architecture::kAmpere: return "ampere";
    case Architecture::kHopper: return "hopper";
    case Architecture::kBlackwell: return "blackwell";
  }
  return "unknown";
}

Result<const Profile*> GpuModel::FindProfile(std::string_view name) const {
  std::vector<std::string> names;
  for (const Profile& profile : profiles) {
    if (profile.name == name) return &profile;
    names.emplace_back(profile.name);
  }
  return NotFoundError(
      StrCat(product, " has no profile '", name, "'; it has ", StrJoin(names, ", ")));
}

const Profile* GpuModel::FindProfile(ProfileId id) const {
  const auto found = std::find_if(profiles.begin(), profiles.end(),
                                  [&](const Profile& profile) { return profile.id == id; });
  return found == profiles.end() ? nullptr : &*found;
}

const Profile& GpuModel::WholeGpuProfile() const {
  const auto found = std::find_if(profiles.begin(), profiles.end(), [&](const Profile& profile) {
    return profile.memory_slices == placement_units;
  });
  FLEXMIG_CHECK(found != profiles.end());
  return *found;
}

std::span<const GpuModel> AllGpuModels() {
  static const std::vector<GpuModel> models = [] {
    std::vector<GpuModel> all;
    for (const auto part : {AmpereModels(), HopperModels(), BlackwellModels()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return models;
}

Result<const GpuModel*> FindGpuModel(std::string_view key) {
  std::vector<std::string> keys;
  for (const GpuModel& model : AllGpuModels()) {
    if (model.key == key) return &model;
    keys.emplace_back(model.key);
  }
  return NotFoundError(StrCat("no GPU model '", key, "'; there are ", StrJoin(keys, ", ")));
}

}  // namespace flexmig::mig
