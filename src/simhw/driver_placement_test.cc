#include "flexmig/simhw/driver_placement.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::simhw {
namespace {

struct Made {
  std::string placements;  // "4:4 0:4"; a profile that does not fit is "-"
  std::string ids;         // "2 1"
};

Made Create(std::string_view board, const std::vector<int>& profile_ids) {
  const mig::GpuModel& model = **mig::FindGpuModel(board);
  mig::MigLayout layout;
  std::vector<std::string> placements;
  std::vector<std::string> ids;
  for (const int id : profile_ids) {
    const mig::Profile* profile = model.FindProfile(mig::ProfileId(id));
    EXPECT_NE(profile, nullptr) << id;
    const auto place = ChooseDriverPlacement(model, layout, *profile);
    EXPECT_EQ(place.has_value(), RemainingCapacity(model, layout, *profile) > 0);
    if (!place) {
      placements.emplace_back("-");
      continue;
    }
    layout.push_back({profile->id, *place});
    placements.push_back(StrCat(place->start, ":", place->size));
    ids.push_back(StrCat(MakeGpuInstanceId(model, *place).value()));
  }
  return {StrJoin(placements, " "), StrJoin(ids, " ")};
}

// What nvidia-smi printed, from the MIG user guide and from public notes
// (docs/reference/nvml-sim.md).
TEST(DriverPlacementTest, PublishedTranscriptsAreReproduced) {
  const struct {
    const char* board;
    std::vector<int> profile_ids;
    const char* placements;
    const char* ids;
  } transcripts[] = {
      {"a100-40", {9, 9}, "4:4 0:4", "2 1"},
      {"a100-40", {9, 19, 14, 19}, "4:4 0:1 2:2 1:1", "2 7 4 8"},
      {"a100-40", {19, 19, 14, 9}, "6:1 4:1 0:2 -", "13 11 3"},
      {"a100-40", {14, 19, 19, 19, 19, 19}, "4:2 6:1 0:1 1:1 2:1 3:1", "5 13 7 8 9 10"},
      {"h100-80", {19, 19, 19, 19, 19, 19, 19}, "6:1 4:1 5:1 0:1 1:1 2:1 3:1", "13 11 12 7 8 9 10"},
      {"rtx-pro-6000", {5, 14, 14}, "0:6 6:3 9:3", "1 5 6"},
  };
  for (const auto& transcript : transcripts) {
    const Made made = Create(transcript.board, transcript.profile_ids);
    EXPECT_EQ(made.placements, transcript.placements) << transcript.board;
    EXPECT_EQ(made.ids, transcript.ids) << transcript.board;
  }
}

TEST(DriverPlacementTest, AnEmptyBoardTakesWhatTheTableSays) {
  for (const auto& model : mig::AllGpuModels()) {
    for (const mig::Profile& profile : model.profiles) {
      EXPECT_EQ(RemainingCapacity(model, {}, profile), profile.max_instances)
          << model.key << " " << profile.name;
    }
  }
}

TEST(DriverPlacementTest, CapacityIsWhatCanThenBeCreated) {
  const mig::GpuModel& model = **mig::FindGpuModel("h100-80");
  const auto any = [](const mig::Profile&) { return true; };
  mig::EnumerateLayouts(model, any, [&](std::span<const mig::PlacedProfile> present) {
    if (present.size() > 1) return;  // all of them take seconds
    for (const mig::Profile& profile : model.profiles) {
      mig::MigLayout layout(present.begin(), present.end());
      int made = 0;
      while (const auto place = ChooseDriverPlacement(model, layout, profile)) {
        layout.push_back({profile.id, *place});
        ++made;
      }
      ASSERT_EQ(made, RemainingCapacity(model, present, profile)) << profile.name;
    }
  });
}

}  // namespace
}  // namespace flexmig::simhw
