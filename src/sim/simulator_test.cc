// Small schedules, worked out by hand. Speeds of class middling: 1g 0.26, 2g 0.45, 3g 0.65,
// 4g 0.73, 7g 1.

#include "flexmig/sim/simulator.h"

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

// Three slices, four slices, three slices; 100 s each on what they ask for.
const std::vector<Line> kThreeFourThree = {{0, 100, 42}, {0, 100, 57}, {0, 100, 42}};

TEST(SimulatorTest, FlexmigRunsSideBySideWhatFitsInSlices) {
  const Played played = Play("flexmig", kThreeFourThree);
  EXPECT_EQ(Schedule(played), (Texts{"0-100", "0-100", "100-200"}));
  EXPECT_EQ(played.summary.makespan, 200s);
  EXPECT_DOUBLE_EQ(played.summary.mean_jct_s, 400.0 / 3);
  EXPECT_DOUBLE_EQ(played.summary.mean_wait_s, 100.0 / 3);
  EXPECT_DOUBLE_EQ(played.summary.held_utilisation, 1000.0 / 1400);
  EXPECT_DOUBLE_EQ(played.summary.asked_utilisation, 1000.0 / 1400);
}

TEST(SimulatorTest, CommunicationCostsOnlyThoseOnSeveralLeaves) {
  Setting setting;
  setting.communication.efficiency = 800'000;
  EXPECT_EQ(Schedule(Play("flexmig", {{0, 100, 42}, {0, 100, 14}}, setting)),
            (Texts{"0-125", "0-100"}));
}

TEST(SimulatorTest, ExclusiveRunsOneAfterTheOtherButFaster) {
  const Played played = Play("exclusive", kThreeFourThree);
  EXPECT_EQ(Schedule(played), (Texts{"0-65", "65-138", "138-203"}));
  EXPECT_DOUBLE_EQ(played.summary.held_utilisation, 1);
  EXPECT_DOUBLE_EQ(played.summary.asked_utilisation, (3 * 65 + 4 * 73 + 3 * 65) / (7 * 203.0));
  Setting same;
  same.speed.oversize = Oversize::kSame;
  EXPECT_EQ(Schedule(Play("exclusive", kThreeFourThree, same)),
            (Texts{"0-100", "100-200", "200-300"}));
}

TEST(SimulatorTest, MigOffIsFasterThanTheInstanceThatTakesTheWholeGpu) {
  Setting setting;
  setting.speed.mig_off = 1'250'000;
  EXPECT_EQ(Schedule(Play("exclusive", {{0, 100, 100}}, setting)), (Texts{"0-100"}));
  EXPECT_EQ(Schedule(Play("static:7g.40gb", {{0, 100, 100}}, setting)), (Texts{"0-125"}));
  EXPECT_EQ(Schedule(Play("flexmig", {{0, 100, 100}}, setting)), (Texts{"0-125"}));
  EXPECT_EQ(Schedule(Play("exclusive", {{0, 100, 42}}, setting)), (Texts{"0-52"}));
}

TEST(SimulatorTest, WholeGpuKnowsNoSpeedModel) {
  EXPECT_EQ(Schedule(Play("whole-gpu", kThreeFourThree)), (Texts{"0-100", "100-200", "200-300"}));
}

TEST(SimulatorTest, StaticGivesTheSmallestFreeInstanceThatIsLargeEnough) {
  const Played played = Play("static:4g.20gb+3g.20gb", kThreeFourThree);
  EXPECT_EQ(Schedule(played), (Texts{"0-100", "0-100", "100-200"}));
  // One slice takes 3g, the next 4g, and both run faster than on 1g; five slices never fit.
  EXPECT_EQ(Schedule(Play("static:4g.20gb+3g.20gb",
                          {{0, 100, 14}, {0, 100, 14}, {0, 100, 71}, {0, 73, 57}})),
            (Texts{"0-40", "0-35.616438", "left out", "35.616438-108.616438"}));
}

TEST(SimulatorTest, FiveAndSixSlicesAreRoundedToTheWholeGpu) {
  // 5 slices run at 0.82, 6 at 0.91: 100 s become 82 and 91 on 7g.
  EXPECT_EQ(Schedule(Play("static:7g.40gb", {{0, 100, 71}, {0, 100, 85}})),
            (Texts{"0-82", "82-173"}));
}

TEST(SimulatorTest, GpusOfACycleDifferInLayout) {
  Setting two;
  two.gpus = 2;
  EXPECT_EQ(
      Schedule(Play("static:7g.40gb/1g.5gb", {{0, 100, 100}, {0, 100, 14}, {0, 100, 100}}, two)),
      (Texts{"0-100", "0-100", "100-200"}));
}

TEST(SimulatorTest, JobsOnSeveralGpusGetWholeOnesOrSevenLeavesEach) {
  Setting two;
  two.gpus = 2;
  two.speed.mig_off = 1'060'000;
  two.communication.efficiency = 900'000;
  const std::vector<Line> wide = {{0, 90, 200}};
  EXPECT_EQ(Schedule(Play("whole-gpu", wide, two)), (Texts{"0-90"}));
  EXPECT_EQ(Schedule(Play("exclusive", wide, two)), (Texts{"0-90"}));
  EXPECT_EQ(Schedule(Play("static:7g.40gb", wide, two)), (Texts{"0-95.4"}));
  EXPECT_EQ(Schedule(Play("flexmig", wide, two)), (Texts{"0-106"}));
  const Played static_two = Play("static:4g.20gb+3g.20gb", wide, two);
  EXPECT_EQ(Schedule(static_two), (Texts{"left out"}));
  EXPECT_EQ(static_two.summary.first_rejection,
            "job 1: no leaf has 7 compute slices; the most are 4");
  EXPECT_EQ(static_two.summary.jobs_left_out, 1);
  EXPECT_EQ(static_two.summary.makespan, 0s);
}

TEST(SimulatorTest, EndsComeBeforeArrivalsAtTheSameTime) {
  EXPECT_EQ(Schedule(Play("whole-gpu", {{0, 10, 100}, {10, 5, 100}, {10, 0, 100}})),
            (Texts{"0-10", "10-15", "15-15"}));
}

TEST(SimulatorTest, SjfDecidesOnceAllOfAMomentHasArrived) {
  Setting sjf;
  sjf.queue = "sjf";
  EXPECT_EQ(Schedule(Play("whole-gpu", {{0, 10, 100}, {10, 7, 100}, {10, 5, 100}}, sjf)),
            (Texts{"0-10", "15-22", "10-15"}));
}

TEST(SimulatorTest, SubmitTimesNeedNotStartAtZero) {
  const Played played = Play("whole-gpu", {{1000, 10, 100}, {1001, 10, 100}});
  EXPECT_EQ(Schedule(played), (Texts{"1000-1010", "1010-1020"}));
  EXPECT_EQ(played.summary.makespan, 20s);
}

TEST(SimulatorTest, ARunCanBeGivenUpWhenItTakesTooLong) {
  const Setting setting;
  const SchemeContext context = setting.Context();
  const auto records = Records({{0, 100, 100}, {10, 100, 100}});
  const auto workload = MakeWorkload(records, Board(), 1, context.speeds, {});
  const auto code = [&](int seconds) {
    SimulationOptions options;
    options.give_up_after = sched::TimePoint(std::chrono::seconds(seconds));
    return Simulate(*workload, **MakeScheme("exclusive", context), *sched::MakeQueuePolicy("fifo"),
                    options)
        .status()
        .code();
  };
  EXPECT_EQ(code(199), StatusCode::kAborted);
  EXPECT_EQ(code(200), StatusCode::kOk);
}

TEST(SimulatorTest, AScheduleBeyondTheRangeOfTimeIsRefused) {
  std::vector<Line> lines(17'000, {0, 1'000'000'000, 14});
  Setting setting;
  setting.queue = "fifo-skip";
  const auto played = TryPlay("exclusive", Records(lines), setting);
  ASSERT_TRUE(played.ok()) << "0.26 of 10^9 s each is within range";
  setting.speed.oversize = Oversize::kSame;
  const auto beyond = TryPlay("exclusive", Records(lines), setting);
  EXPECT_EQ(beyond.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(beyond.status().message(),
            "policy exclusive: the schedule ends later than 2^62 microseconds");
}

}  // namespace
}  // namespace flexmig::sim
