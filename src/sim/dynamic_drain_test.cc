// A change of layout takes 3.6 s plus, on an A100, 0.16 0.17 0.20 0.21 0.24 s for each 1g 2g 3g 4g
// 7g that is created and 0.20 0.20 0.21 0.21 0.22 s for each that is destroyed.

#include <gtest/gtest.h>

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

using namespace std::chrono_literals;

TEST(DynamicDrainTest, TheFirstLayoutAdmitsTheHeadOfTheQueue) {
  const Played played = Play("dynamic-drain", {{0, 100, 42}, {0, 100, 57}, {0, 100, 42}});
  // 3g and 4g: 3.6 + 0.20 + 0.21 s. The third job takes the 3g instance that is there already.
  EXPECT_EQ(Schedule(played), (Texts{"4.01-104.01", "4.01-104.01", "104.01-204.01"}));
  EXPECT_EQ(played.summary.reconfigurations, 1);
  EXPECT_EQ(played.summary.reconfiguration_time, 4010ms);
}

TEST(DynamicDrainTest, ADrainedGpuIsRepartitionedForWhatWaits) {
  const Played played = Play("dynamic-drain", {{0, 100, 42}, {0, 200, 57}, {1, 100, 100}});
  // The third job needs 7g: the GPU is drained at 204.01, 3g and 4g go, 7g comes: 3.6 + 0.42 +
  // 0.24.
  EXPECT_EQ(Schedule(played), (Texts{"4.01-104.01", "4.01-204.01", "208.27-308.27"}));
  EXPECT_EQ(played.summary.reconfigurations, 2);
}

TEST(DynamicDrainTest, OneLargeInstanceIsCutUpWhenMoreThanOneWait) {
  const Played played =
      Play("dynamic-drain", {{0, 100, 100}, {50, 100, 28}, {51, 100, 28}, {52, 100, 42}});
  // 7g first (3.84 s). At 103.84 the three others wait: 2g, 2g and 3g fit together, 3.6 + 0.22 +
  // 0.17 + 0.17 + 0.20 s.
  EXPECT_EQ(Schedule(played), (Texts{"3.84-103.84", "108.2-208.2", "108.2-208.2", "108.2-208.2"}));
}

TEST(DynamicDrainTest, ALayoutThatTakesAllWhoWaitStays) {
  const Played played = Play("dynamic-drain", {{0, 100, 100}, {50, 100, 28}});
  // Two slices on the 7g that is there: 45 s and no reconfiguration.
  EXPECT_EQ(Schedule(played), (Texts{"3.84-103.84", "103.84-148.84"}));
  EXPECT_EQ(played.summary.reconfigurations, 1);
}

TEST(DynamicDrainTest, RoomThatIsLeftBecomesLargeInstances) {
  const Played played = Play("dynamic-drain", {{0, 1000, 14}, {10, 100, 57}, {10, 100, 28}});
  // 1g for the first, filled up with 4g and 2g: 3.6 + 0.16 + 0.21 + 0.17 s. Both others fit.
  EXPECT_EQ(Schedule(played), (Texts{"4.14-1004.14", "10-110", "10-110"}));
  EXPECT_EQ(played.summary.reconfigurations, 1);
}

TEST(DynamicDrainTest, InstancesThatStayArePartOfNoCost) {
  Setting costs;
  costs.costs.create = 10s;
  costs.costs.destroy = 1s;
  costs.costs.service_restart = 0s;
  // 4g + 2g + 1g, then one 4g and 3g: 4g stays where it is; 2g and 1g go, 3g comes.
  const Played played =
      Play("dynamic-drain", {{0, 100, 57}, {0, 100, 28}, {0, 100, 14}, {1, 100, 57}, {1, 100, 42}},
           costs);
  EXPECT_EQ(Schedule(played), (Texts{"30-130", "30-130", "30-130", "142-242", "142-242"}));
  EXPECT_EQ(played.summary.reconfiguration_time, 42s);
}

TEST(DynamicDrainTest, JobsOnSeveralGpusWaitUntilEnoughAreDrained) {
  Setting two;
  two.gpus = 2;
  const Played played = Play("dynamic-drain", {{0, 100, 14}, {0, 50, 100}, {1, 100, 200}}, two);
  // 1g with 4g and 2g on GPU 0 (4.14 s), 7g on GPU 1 (3.84 s), back together; then GPU 0 is drained
  // at 104.14 and becomes 7g: 3.6 + 0.20 + 0.20 + 0.21 + 0.24 s.
  EXPECT_EQ(Schedule(played), (Texts{"4.14-104.14", "4.14-54.14", "108.59-208.59"}));
  EXPECT_EQ(played.summary.reconfigurations, 3);
}

TEST(DynamicDrainTest, AJobForMoreGpusThanThereAreIsLeftOut) {
  EXPECT_EQ(Schedule(Play("dynamic-drain", {{0, 100, 200}, {0, 100, 100}})),
            (Texts{"left out", "3.84-103.84"}));
}

TEST(DynamicDrainTest, ChangingHeadsDoNotKeepAGpuOutOfService) {
  // Under sjf every second a shorter job of another size comes before the GPU is ready; it must
  // start somebody each time that it is.
  Setting sjf;
  sjf.queue = "sjf";
  std::vector<Line> lines;
  lines.reserve(60);
  for (int i = 0; i < 60; ++i) lines.push_back({i, 1000 - i, i % 2 == 0 ? 100 : 42});
  const Played played = Play("dynamic-drain", lines, sjf);
  EXPECT_EQ(played.summary.jobs_done, 60);
  EXPECT_LE(played.summary.reconfigurations, 60);
  sched::TimePoint first_start = sched::TimePoint::max();
  for (const JobOutcome& job : played.outcome.jobs) {
    first_start = std::min(first_start, job.start_time);
  }
  EXPECT_LT(first_start.time_since_epoch(), 5s);
}

}  // namespace
}  // namespace flexmig::sim
