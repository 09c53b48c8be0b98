#include <gtest/gtest.h>

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

Setting Same() {
  Setting setting;
  setting.speed.oversize = Oversize::kSame;
  return setting;
}

std::vector<int> HeldSlices(const Played& played) {
  std::vector<int> held;
  for (const JobOutcome& job : played.outcome.jobs) held.push_back(job.held_slices);
  return held;
}

TEST(FlexmigTest, AJobGetsAsManyLeavesAsItAsksForSlices) {
  const Played played = Play("flexmig", {{0, 100, 28}, {0, 100, 57}, {0, 100, 200}});
  EXPECT_EQ(HeldSlices(played), (std::vector<int>{2, 4, 0}));
  EXPECT_EQ(Schedule(played), (Texts{"0-100", "0-100", "left out"}));
}

TEST(FlexmigTest, RoundedSizesAreThoseOfInstances) {
  const std::vector<Line> lines = {{0, 100, 28}, {0, 100, 71}};  // 2 and 5 slices
  EXPECT_EQ(HeldSlices(Play("flexmig", lines)), (std::vector<int>{2, 5}));
  EXPECT_EQ(HeldSlices(Play("flexmig-rounded", lines, Same())), (std::vector<int>{2, 7}));
  EXPECT_EQ(Schedule(Play("flexmig-rounded", lines, Same())), (Texts{"0-100", "100-200"}));
}

TEST(FlexmigTest, AMoldableJobAloneTakesAsManyAsItMay) {
  // 0.45 of a GPU on 2 leaves, 0.73 on 4.
  const Played played = Play("flexmig-moldable:0.5-2", {{0, 730, 28}});
  EXPECT_EQ(HeldSlices(played), (std::vector<int>{4}));
  EXPECT_EQ(Schedule(played), (Texts{"0-450"}));
  EXPECT_EQ(HeldSlices(Play("flexmig-moldable", {{0, 730, 28}})), (std::vector<int>{2}));
}

TEST(FlexmigTest, AJobThatCannotUseMoreTakesNoMore) {
  const Played played = Play("flexmig-moldable:0.5-2", {{0, 730, 28}}, Same());
  EXPECT_EQ(HeldSlices(played), (std::vector<int>{2}));
  EXPECT_EQ(Schedule(played), (Texts{"0-730"}));
}

TEST(FlexmigTest, ManyMoldableJobsTakeHalf) {
  // Seven wait, of which each wants 4 leaves and makes do with 2: 0.73 and 0.45 of a GPU.
  const std::vector<Line> lines(7, Line{0, 450, 57});
  const Played played = Play("flexmig-moldable", lines, Same());
  EXPECT_EQ(played.outcome.jobs[0].held_slices, 2);
  EXPECT_EQ(played.outcome.jobs[1].held_slices, 2);
  EXPECT_EQ(played.outcome.jobs[2].held_slices, 2);
  EXPECT_EQ(Schedule(played)[0], "0-730");
  EXPECT_LT(played.summary.makespan, Play("flexmig", lines, Same()).summary.makespan);
}

TEST(FlexmigTest, LeavesThatMakeAJobSlowerAreNotTaken) {
  Setting setting;
  setting.speed.speed_class = SpeedClass::kLight;
  setting.communication.efficiency = 700'000;  // 1 leaf: 0.60 of a GPU; 2: 0.85 x 0.70 = 0.595
  EXPECT_EQ(HeldSlices(Play("flexmig-moldable:1-2", {{0, 100, 14}}, setting)),
            (std::vector<int>{1}));
}

TEST(FlexmigTest, MoldableLeavesOutTheJobsThatEveryPolicyLeavesOut) {
  const Played played = Play("flexmig-moldable", {{0, 100, 200}, {0, 100, 100}});
  EXPECT_FALSE(played.outcome.jobs[0].done);
  EXPECT_TRUE(played.outcome.jobs[1].done);
}

TEST(FlexmigTest, RangesThatAreNoneAreRefused) {
  for (const char* name :
       {"flexmig-moldable:", "flexmig-moldable:1", "flexmig-moldable:0-2", "flexmig-moldable:2-3",
        "flexmig-moldable:0.5-0.9", "flexmig-moldable:0.5-17", "flexmig-moldable:0.5-1-2"}) {
    EXPECT_EQ(MakeScheme(name, Setting().Context()).status().code(), StatusCode::kInvalidArgument)
        << name;
  }
  EXPECT_EQ(MakeScheme("flexmig-moldables", Setting().Context()).status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace flexmig::sim
