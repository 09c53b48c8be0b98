// Every legal layout of every board, enumerated and held against a second way of counting.

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include <gtest/gtest.h>

#include "flexmig/mig/layout.h"

namespace flexmig::mig {

// For the names of tests.
void PrintTo(const GpuModel* model, std::ostream* out) { *out << model->key; }

namespace {

// Counts legal layouts by walking along the GPU: at each unit either nothing begins or one profile
// does. Shares no code with CheckLayout; `seen_default`, `seen_set` and `seen_all` say which media
// engines the instances to the left hold.
int64_t CountFrom(const GpuModel& model, int unit, int compute_left, bool seen_default,
                  bool seen_set, bool seen_all) {
  if (unit >= model.placement_units) return 1;
  int64_t count = CountFrom(model, unit + 1, compute_left, seen_default, seen_set, seen_all);
  for (const Profile& profile : model.profiles) {
    const bool begins_here = std::count(profile.starts.begin(), profile.starts.end(), unit) > 0;
    if (!begins_here || profile.compute_slices > compute_left) continue;
    const bool all = profile.media == MediaEngines::kMeAll;
    const bool set = profile.media == MediaEngines::kMe;
    const bool plain = profile.media == MediaEngines::kDefault;
    if ((set || all) && (seen_set || seen_all)) continue;
    if (all && (seen_default || seen_set)) continue;
    if ((plain || set) && seen_all) continue;
    count += CountFrom(model, unit + profile.memory_slices, compute_left - profile.compute_slices,
                       seen_default || plain, seen_set || set, seen_all || all);
  }
  return count;
}

class EveryBoard : public testing::TestWithParam<const GpuModel*> {};

TEST_P(EveryBoard, HasExactlyTheLayoutsThatASecondCountFinds) {
  const GpuModel& model = *GetParam();
  int64_t layouts = 0;
  MigLayout last;
  EnumerateLayouts(
      model, [](const Profile&) { return true; },
      [&](std::span<const PlacedProfile> layout) {
        ASSERT_TRUE(CheckLayout(model, layout).ok());
        MigLayout now(layout.begin(), layout.end());
        ASSERT_TRUE(layouts == 0 || last < now) << "each layout once, in order";
        last = std::move(now);
        ++layouts;
      });
  EXPECT_EQ(layouts, CountFrom(model, 0, model.compute_slices, false, false, false));
  RecordProperty("layouts", static_cast<int>(layouts));
}

TEST_P(EveryBoard, ReachesTheVendorsMaximumOfEveryProfileAndNoMore) {
  const GpuModel& model = *GetParam();
  std::map<ProfileId, int> most;
  EnumerateLayouts(
      model, [](const Profile&) { return true; },
      [&](std::span<const PlacedProfile> layout) {
        std::map<ProfileId, int> counts;
        for (const PlacedProfile& placed : layout) ++counts[placed.profile];
        for (const auto& [id, count] : counts) most[id] = std::max(most[id], count);
      });
  for (const Profile& profile : model.profiles) {
    EXPECT_EQ(most[profile.id], profile.max_instances) << profile.name;
  }
}

TEST_P(EveryBoard, PlacesExactlyTheCountsThatSomeLayoutHas) {
  // All counts of up to three plain profiles against the counts found by enumeration.
  const GpuModel& model = *GetParam();
  const auto plain = [](const Profile& profile) {
    return profile.media == MediaEngines::kDefault && !profile.graphics;
  };
  std::set<std::map<ProfileId, int>> possible;
  EnumerateLayouts(model, plain, [&](std::span<const PlacedProfile> layout) {
    std::map<ProfileId, int> counts;
    for (const PlacedProfile& placed : layout) ++counts[placed.profile];
    possible.insert(counts);
  });
  std::vector<const Profile*> profiles;
  for (const Profile& profile : model.profiles) {
    if (plain(profile)) profiles.push_back(&profile);
  }
  // Odometer over counts 0 .. max_instances of every profile.
  std::vector<int> counts(profiles.size(), 0);
  while (true) {
    ProfileCounts wanted;
    std::map<ProfileId, int> by_id;
    for (size_t i = 0; i < profiles.size(); ++i) {
      if (counts[i] == 0) continue;
      wanted[std::string(profiles[i]->name)] = counts[i];
      by_id[profiles[i]->id] = counts[i];
    }
    EXPECT_EQ(PlaceCounts(model, wanted).ok(), possible.contains(by_id));
    size_t digit = 0;
    while (digit < counts.size() && counts[digit] == profiles[digit]->max_instances) {
      counts[digit++] = 0;
    }
    if (digit == counts.size()) break;
    ++counts[digit];
  }
}

std::vector<const GpuModel*> Models() {
  std::vector<const GpuModel*> models;
  for (const GpuModel& model : AllGpuModels()) models.push_back(&model);
  return models;
}

std::string NameOf(const testing::TestParamInfo<const GpuModel*>& test) {
  std::string name(test.param->key);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Boards, EveryBoard, testing::ValuesIn(Models()), NameOf);

}  // namespace
}  // namespace flexmig::mig
