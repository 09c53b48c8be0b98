#include "flexmig/partition/catalogue.h"

#include <algorithm>
#include <optional>
#include <string>

#include "flexmig/base/strings.h"

namespace flexmig::partition {
namespace {

bool IsPlain(const mig::Profile& profile) {
  return profile.media == mig::MediaEngines::kDefault && !profile.graphics;
}

// As many instances as the board takes, with all of its memory slices in use; nullopt if there is
// no such layout of this profile.
std::optional<mig::MigLayout> FillingLayout(const mig::GpuModel& model,
                                            const mig::Profile& profile) {
  const auto layout = mig::UniformLayout(model, profile.name);
  if (!layout.ok()) return std::nullopt;
  const int used = static_cast<int>(layout->size()) * profile.memory_slices;
  return used == model.placement_units ? std::optional(*layout) : std::nullopt;
}

// Of the layouts of equal leaves that use all memory the one with the most leaves.
std::optional<mig::ProfileCounts> AllMemory(const mig::GpuModel& model) {
  std::optional<mig::MigLayout> best;
  for (const mig::Profile& profile : model.profiles) {
    if (!IsPlain(profile)) continue;
    auto layout = FillingLayout(model, profile);
    if (layout && (!best || layout->size() > best->size())) best = std::move(layout);
  }
  if (!best) return std::nullopt;
  return CountProfiles(model, *best);
}

// The same memory for each leaf as in AllMemory, but of any profile, and the most SMs.
std::optional<mig::ProfileCounts> EqualMemory(const mig::GpuModel& model, int leaves) {
  const int size = model.placement_units / leaves;
  std::optional<mig::ProfileCounts> best;
  int best_sms = 0;
  mig::EnumerateLayouts(
      model,
      [&](const mig::Profile& profile) {
        return IsPlain(profile) && profile.memory_slices == size;
      },
      [&](std::span<const mig::PlacedProfile> layout) {
        if (static_cast<int>(layout.size()) != leaves) return;
        const auto sms = mig::PriceLayout(model, layout).sms;
        if (!sms || *sms <= best_sms) return;
        best_sms = *sms;
        best = CountProfiles(model, {layout.begin(), layout.end()});
      });
  return best;
}

// 2 x 1g and 1 x 2g, and 1 x 3g on boards of seven slices; of the profiles with these slices the
// one of which most fit, which has the least memory.
std::optional<mig::ProfileCounts> Balanced(const mig::GpuModel& model) {
  if (model.compute_slices != 7 && model.compute_slices != 4) return std::nullopt;
  mig::ProfileCounts counts;
  for (int slices = 1; slices <= (model.compute_slices == 7 ? 3 : 2); ++slices) {
    const mig::Profile* chosen = nullptr;
    for (const mig::Profile& profile : model.profiles) {
      if (profile.compute_slices != slices || !IsPlain(profile)) continue;
      if (chosen == nullptr || profile.max_instances > chosen->max_instances) chosen = &profile;
    }
    if (chosen == nullptr) return std::nullopt;
    counts[std::string(chosen->name)] = slices == 1 ? 2 : 1;
  }
  return mig::PlaceCounts(model, counts).ok() ? std::optional(counts) : std::nullopt;
}

class Catalogue {
 public:
  explicit Catalogue(const std::vector<hw::GpuStatus>& gpus) {
    for (const hw::GpuStatus& gpu : gpus) boards_[FilterOf(gpu)] = gpu.model;
    MigPartedRule off;
    off.all_gpus = true;
    file_.configs["all-disabled"] = {off};
  }

  Result<MigPartedFile> Make() && {
    for (const auto& [board, model] : boards_) {
      if (!model->profiles.empty()) AddBoard(board, *model);
    }
    if (file_.configs.size() == 1) {
      return FailedPreconditionError("no board of this node has MIG");
    }
    return std::move(file_);
  }

 private:
  void AddBoard(const DeviceFilter& board, const mig::GpuModel& model) {
    Add("all-enabled", board, mig::ProfileCounts());
    for (const mig::Profile& profile : model.profiles) {
      const auto layout = mig::UniformLayout(model, profile.name);
      if (!layout.ok()) continue;
      std::string name = StrCat("all-", profile.name);
      std::ranges::replace(name, '+', '.');
      Add(name, board, CountProfiles(model, *layout));
    }
    Add("all-balanced", board, Balanced(model));
    const auto smallest = mig::UniformLayout(model, mig::DefaultLeafProfile(model).name);
    if (smallest.ok()) Add("flatten", board, CountProfiles(model, *smallest));
    const auto all_memory = AllMemory(model);
    Add("flatten-all-memory", board, all_memory);
    if (all_memory) {
      Add("flatten-equal-memory", board, EqualMemory(model, all_memory->begin()->second));
    }
  }

  // Boards that take the same share an entry.
  void Add(const std::string& name, const DeviceFilter& board,
           const std::optional<mig::ProfileCounts>& counts) {
    if (!counts) return;
    auto& rules = file_.configs[name];
    auto rule = std::ranges::find(rules, *counts, &MigPartedRule::instances);
    if (rule == rules.end()) {
      rule = rules.insert(rules.end(), MigPartedRule());
      rule->all_gpus = true;
      rule->mig_enabled = true;
      rule->instances = *counts;
    }
    if (boards_.size() > 1) rule->device_filter.push_back(board);
  }

  std::map<DeviceFilter, const mig::GpuModel*> boards_;
  MigPartedFile file_;
};

}  // namespace

Result<MigPartedFile> MakeCatalogue(const std::vector<hw::GpuStatus>& gpus) {
  return Catalogue(gpus).Make();
}

}  // namespace flexmig::partition
