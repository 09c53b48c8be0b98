#include "flexmig/sim/speed_model.h"

#include <gtest/gtest.h>

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

const mig::GpuModel& Board(std::string_view key) { return **mig::FindGpuModel(key); }

SpeedModel Model(SpeedClass speed_class, std::string_view board = "a100-40") {
  SpeedOptions options;
  options.speed_class = speed_class;
  return {Board(board), options};
}

TEST(SpeedModelTest, MeasuredSizesHaveTheirMeasuredSpeeds) {
  const SpeedModel middling = Model(SpeedClass::kMiddling);
  EXPECT_EQ(middling.OnInstance(1), 260'000);
  EXPECT_EQ(middling.OnInstance(2), 450'000);
  EXPECT_EQ(middling.OnInstance(3), 650'000);
  EXPECT_EQ(middling.OnInstance(4), 730'000);
  EXPECT_EQ(middling.OnInstance(7), kWholeSpeed);
  EXPECT_EQ(Model(SpeedClass::kLight).OnInstance(1), 600'000);
  EXPECT_EQ(Model(SpeedClass::kSaturating).OnInstance(4), 570'000);
  EXPECT_EQ(middling.DescribeCurve(), "0.26 0.45 0.65 0.73 1");
}

TEST(SpeedModelTest, SizesBetweenLieOnAStraightLine) {
  const SpeedModel saturating = Model(SpeedClass::kSaturating);
  EXPECT_EQ(saturating.OnInstance(5), 713'333);  // 0.57 + 0.43 / 3
  EXPECT_EQ(saturating.OnInstance(6), 856'667);
}

TEST(SpeedModelTest, OtherBoardsArePutOnTheCurveByTheirShare) {
  const SpeedModel a30 = Model(SpeedClass::kMiddling, "a30");
  EXPECT_EQ(a30.OnInstance(4), kWholeSpeed);
  EXPECT_EQ(a30.OnInstance(2), 690'000);  // 3.5 of 7: between 0.65 and 0.73
  EXPECT_EQ(a30.OnInstance(1), 402'500);  // 1.75 of 7: 0.26 + 0.75 * 0.19
}

TEST(SpeedModelTest, SpeedNeverFallsWithSlicesNorGrowsBeyondThem) {
  for (const SpeedClass speed_class : kAllSpeedClasses) {
    const SpeedModel model = Model(speed_class);
    for (int slices = 2; slices <= 7; ++slices) {
      EXPECT_GE(model.OnInstance(slices), model.OnInstance(slices - 1));
    }
    EXPECT_GE(model.mig_off(), kWholeSpeed);
  }
}

TEST(SpeedModelTest, LeavesRunLikeOneInstanceLessCommunication) {
  const SpeedModel middling = Model(SpeedClass::kMiddling);
  EXPECT_EQ(middling.OnLeaves(1, 1), 260'000);
  EXPECT_EQ(middling.OnLeaves(2, 1), 450'000);
  EXPECT_EQ(middling.OnLeaves(7, 1), 1'000'000);
  EXPECT_EQ(middling.OnLeaves(14, 1), 2'000'000);
  EXPECT_EQ(middling.OnLeaves(2, 2), 730'000) << "two of two slices are like one of four";
}

TEST(SpeedModelTest, MigOffIsItsOwnOption) {
  SpeedOptions options;
  options.mig_off = 1'000'000;
  EXPECT_EQ(SpeedModel(Board("a100-40"), options).OnGpus(2'500'000), 2'500'000);
  EXPECT_EQ(Model(SpeedClass::kSaturating).OnGpus(1'000'000), 1'100'000);
}

TEST(SpeedModelTest, MoreThanAskedForHelpsOrNotByOption) {
  SpeedOptions options;
  const SpeedModel faster(Board("a100-40"), options);
  EXPECT_EQ(faster.OnInstanceFor(3, 7), kWholeSpeed);
  EXPECT_EQ(faster.OnGpuFor(3), 1'060'000);
  options.oversize = Oversize::kSame;
  const SpeedModel same(Board("a100-40"), options);
  EXPECT_EQ(same.OnInstanceFor(3, 7), 650'000);
  EXPECT_EQ(same.OnGpuFor(3), 650'000);
  EXPECT_EQ(same.OnGpuFor(7), 1'060'000) << "it asked for the whole GPU";
}

TEST(SpeedModelTest, RunTimesAreRoundedToTheNearestMicrosecond) {
  EXPECT_EQ(ScaleRunTime(10s, 260'000, 650'000), 4s);
  EXPECT_EQ(ScaleRunTime(1us, 2, 3), 1us);
  EXPECT_EQ(ScaleRunTime(1us, 1, 3), 0us);
  EXPECT_EQ(ScaleRunTime(1'000'000'000s, 1'100'000, 150'000).count(), 7'333'333'333'333'333);
}

TEST(SpeedModelTest, EveryClassHasItsName) {
  for (const SpeedClass speed_class : kAllSpeedClasses) {
    EXPECT_EQ(*ParseSpeedClass(SpeedClassName(speed_class)), speed_class);
  }
  EXPECT_EQ(ParseSpeedClass("fast").status().message(),
            "no speed class 'fast'; there are saturating, middling, light");
}

}  // namespace
}  // namespace flexmig::sim
