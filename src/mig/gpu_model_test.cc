#include "flexmig/mig/gpu_model.h"

#include <set>

#include <gtest/gtest.h>

namespace flexmig::mig {
namespace {

TEST(GpuModelTest, KeysAreUniqueAndFound) {
  std::set<std::string_view> keys;
  for (const GpuModel& model : AllGpuModels()) {
    EXPECT_TRUE(keys.insert(model.key).second) << model.key;
    EXPECT_EQ(*FindGpuModel(model.key), &model);
  }
  for (const auto* key :
       {"a30", "a100-40", "a100-80", "h100-80", "h100-96", "h200-141", "b200", "rtx-pro-6000"}) {
    EXPECT_TRUE(keys.contains(key)) << key;
  }
}

TEST(GpuModelTest, UnknownModelListsWhatThereIs) {
  const auto model = FindGpuModel("v100");
  EXPECT_EQ(model.status().code(), StatusCode::kNotFound);
  EXPECT_NE(model.status().message().find("a100-40"), std::string::npos);
}

TEST(GpuModelTest, ProfilesAreWellFormed) {
  for (const GpuModel& model : AllGpuModels()) {
    std::set<ProfileId> ids;
    std::set<int> indices;
    std::set<std::string_view> names;
    for (const Profile& profile : model.profiles) {
      SCOPED_TRACE(testing::Message() << model.key << " " << profile.name);
      EXPECT_TRUE(ids.insert(profile.id).second);
      EXPECT_TRUE(indices.insert(profile.nvml_index).second);
      EXPECT_TRUE(names.insert(profile.name).second);
      EXPECT_EQ(*model.FindProfile(profile.name), &profile);
      EXPECT_EQ(model.FindProfile(profile.id), &profile);
      EXPECT_GE(profile.compute_slices, 1);
      EXPECT_LE(profile.compute_slices, model.compute_slices);
      EXPECT_FALSE(profile.starts.empty());
      for (const int start : profile.starts) {
        EXPECT_GE(start, 0);
        EXPECT_LE(start + profile.memory_slices, model.placement_units);
      }
      if (profile.memory) {
        EXPECT_EQ(profile.memory->count() % Bytes::MiB(64).count(), 0)
            << "drivers report steps of 64 MiB";
      }
      EXPECT_LE(profile.sms.value_or(0), model.total_sms);
    }
    EXPECT_FALSE(model.sources.empty());
    EXPECT_EQ(model.WholeGpuProfile().compute_slices, model.compute_slices);
  }
}

// A few numbers that the tables must not lose, typed again from the vendor's listings.
TEST(GpuModelTest, SpotChecksAgainstDriverListings) {
  const GpuModel& a100 = **FindGpuModel("a100-40");
  EXPECT_EQ((*a100.FindProfile("3g.20gb"))->sms, 42);
  EXPECT_EQ((*a100.FindProfile("7g.40gb"))->sms, 98) << "MIG mode costs an A100 ten SMs";
  EXPECT_EQ((*a100.FindProfile("1g.5gb"))->memory, Bytes::MiB(4864));
  const GpuModel& h100 = **FindGpuModel("h100-80");
  EXPECT_EQ((*h100.FindProfile("1g.20gb"))->sms, 26) << "not proportional to slices";
  EXPECT_EQ((*h100.FindProfile("7g.80gb"))->copy_engines, 8);
  const GpuModel& h200 = **FindGpuModel("h200-141");
  EXPECT_EQ((*h200.FindProfile("1g.18gb"))->memory, Bytes::GiB(16)) << "whatever the name says";
  const GpuModel& rtx = **FindGpuModel("rtx-pro-6000");
  EXPECT_EQ(rtx.placement_units, 12);
  EXPECT_EQ((*rtx.FindProfile("1g.24gb"))->memory_slices, 3);
  EXPECT_FALSE((*(*FindGpuModel("b200"))->FindProfile("3g.90gb"))->sms.has_value())
      << "never seen in a capture";
}

TEST(GpuModelTest, UnknownProfileListsTheBoardsNames) {
  const auto profile = (*FindGpuModel("a30"))->FindProfile("3g.20gb");
  EXPECT_EQ(profile.status().code(), StatusCode::kNotFound);
  EXPECT_NE(profile.status().message().find("1g.6gb, 1g.6gb+me, 2g.12gb"), std::string::npos);
}

}  // namespace
}  // namespace flexmig::mig
