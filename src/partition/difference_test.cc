#include "flexmig/partition/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flexmig::partition {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ObservedGpu Gpu(int index, std::string_view layout) {
  ObservedGpu gpu;
  gpu.status.index = mig::GpuIndex(index);
  gpu.status.model = *mig::FindGpuModel("a100-40");
  gpu.status.mig_enabled = gpu.status.mig_enabled_pending = true;
  const auto placed_profiles = mig::ParseLayout(*gpu.status.model, layout);
  for (const auto& placed : *placed_profiles) {
    gpu.instances.push_back({mig::GpuInstanceId(), placed, hw::MigDevice(), {}, "", false});
  }
  return gpu;
}

DesiredGpu Wish(int index, mig::ProfileCounts counts) {
  return {mig::GpuIndex(index), true, std::move(counts)};
}

TEST(DifferenceTest, WhatIsThereCountsNotWhere) {
  EXPECT_THAT(FindDifferences({Gpu(0, "1g.5gb:2,3g.20gb:1")},
                              {Wish(0, {{"3g.20gb", 1}, {"1g.5gb", 2}, {"2g.10gb", 0}})}, false),
              IsEmpty());
}

TEST(DifferenceTest, EveryGpuThatDiffersIsNamed) {
  ObservedGpu bare = Gpu(2, "2x3g.20gb");
  bare.instances[0].device.reset();
  ObservedGpu off = Gpu(3, "1g.5gb:1");
  off.instances.clear();
  off.status.mig_enabled = false;
  EXPECT_THAT(
      FindDifferences({Gpu(0, "2x3g.20gb"), Gpu(1, "7g.40gb"), bare, off, Gpu(4, "7g.40gb")},
                      {Wish(0, {{"1g.5gb", 7}}), Wish(1, {{"7g.40gb", 1}}),
                       Wish(2, {{"3g.20gb", 2}}), Wish(3, {})},
                      false),
      ElementsAre("GPU 0: has 2 x 3g.20gb, not 7 x 1g.5gb",
                  "GPU 2: has 1 x 3g.20gb and 1 GPU instance without compute instance, not "
                  "2 x 3g.20gb",
                  "GPU 3: MIG is off, not on; the change waits for a reset",
                  "GPU 4: no entry names it"));
}

TEST(DifferenceTest, TheModeAloneCanBeCompared) {
  EXPECT_THAT(FindDifferences({Gpu(0, "2x3g.20gb")}, {Wish(0, {{"1g.5gb", 7}})}, true), IsEmpty());
  const DesiredGpu off{mig::GpuIndex(0), false, {}};
  EXPECT_THAT(FindDifferences({Gpu(0, "2x3g.20gb")}, {off}, true),
              ElementsAre("GPU 0: MIG is on, not off"));
}

}  // namespace
}  // namespace flexmig::partition
