#include "flexmig/simhw/identity.h"

#include <map>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "flexmig/simhw/node_spec.h"

namespace flexmig::simhw {
namespace {

using mig::ComputeInstanceId;
using mig::GpuIndex;
using mig::Placement;

std::vector<Placement> AllPlacements(const mig::GpuModel& model) {
  std::set<Placement> placements;
  for (const auto& profile : model.profiles) {
    for (const int start : profile.starts) placements.insert({start, profile.memory_slices});
  }
  return {placements.begin(), placements.end()};
}

TEST(IdentityTest, UuidsHaveTheFormOfVersionFive) {
  const std::regex form(
      "(GPU|MIG)-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  for (int i = 0; i < 100; ++i) {
    const auto gpu = MakeGpuUuid("dgx-a100-40", GpuIndex(i));
    EXPECT_TRUE(std::regex_match(gpu.value(), form)) << gpu.value();
    const auto mig = MakeMigUuid(gpu, {i % 7, 1}, ComputeInstanceId(0));
    EXPECT_TRUE(std::regex_match(mig.value(), form)) << mig.value();
  }
}

// State files, leases and users keep these: a change of the hash breaks them.
TEST(IdentityTest, UuidsNeverChange) {
  const auto gpu = MakeGpuUuid("dgx-a100-40", GpuIndex(0));
  EXPECT_EQ(gpu.value(), "GPU-6c94b08c-4276-5c47-b3d5-f6b5b3d9207b");
  EXPECT_EQ(MakeMigUuid(gpu, {0, 1}, ComputeInstanceId(0)).value(),
            "MIG-10443b05-007f-5dd5-8a21-5c1700f7837c");
}

TEST(IdentityTest, EverySlotOfEveryMachineHasAUuidOfItsOwn) {
  std::set<std::string> uuids;
  size_t slots = 0;
  auto names = MachineNames();
  for (const auto& model : mig::AllGpuModels()) names.push_back(std::string(model.key) + "x32");
  for (const auto& name : names) {
    const auto spec = FindNodeSpec(name);
    ASSERT_TRUE(spec.ok()) << spec.status().ToString();
    for (size_t i = 0; i < spec->boards.size(); ++i) {
      const auto gpu = MakeGpuUuid(name, GpuIndex(static_cast<int>(i)));
      uuids.insert(gpu.value());
      ++slots;
      for (const Placement placement : AllPlacements(*spec->boards[i].model)) {
        uuids.insert(MakeMigUuid(gpu, placement, ComputeInstanceId(0)).value());
        ++slots;
      }
    }
  }
  EXPECT_EQ(uuids.size(), slots);
}

TEST(IdentityTest, EightUnitBoardsNumberInstancesAsRecentDriversDo) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  const std::map<int, Placement> captured = {{0, {0, 8}},  {1, {0, 4}}, {2, {4, 4}},  {3, {0, 2}},
                                             {4, {2, 2}},  {5, {4, 2}}, {6, {6, 2}},  {7, {0, 1}},
                                             {8, {1, 1}},  {9, {2, 1}}, {10, {3, 1}}, {11, {4, 1}},
                                             {12, {5, 1}}, {13, {6, 1}}};
  for (const auto& [id, placement] : captured) {
    EXPECT_EQ(MakeGpuInstanceId(model, placement).value(), id);
  }
}

TEST(IdentityTest, PlacementsOfOneBoardNeverShareAnId) {
  for (const auto& model : mig::AllGpuModels()) {
    std::map<int, Placement> owners;
    for (const Placement placement : AllPlacements(model)) {
      const int id = MakeGpuInstanceId(model, placement).value();
      EXPECT_LT(id, 15) << model.key;  // NVIDIA's kernel module has room for 15 ids
      EXPECT_TRUE(owners.emplace(id, placement).second) << model.key << " id " << id;
    }
  }
}

}  // namespace
}  // namespace flexmig::simhw
