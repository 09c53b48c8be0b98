#include "flexmig/sched/moldable.h"

#include <gtest/gtest.h>

#include "world_for_test.h"

namespace flexmig::sched {
namespace {

// 2 to 6 leaves, estimate for 4; the last leaf does not help.
Job Moldable(std::string id = "m") {
  Job job = MakeJob(std::move(id), 4, 1000);
  job.moldable = MoldableRange{2, 6, {100, 140, 200, 250, 250}};
  return job;
}

TEST(MoldableTest, TheEstimateFollowsTheSpeedCurve) {
  const Job job = Moldable();
  EXPECT_EQ(RunTimeOn(job, 4), Duration(1000));
  EXPECT_EQ(RunTimeOn(job, 2), Duration(2000));
  EXPECT_EQ(RunTimeOn(job, 3), Duration(1429)) << "rounded up";
  EXPECT_EQ(ShortestRun(job), Duration(800));
  Job limited = job;
  limited.time_limit = Duration(900);
  EXPECT_EQ(RunTimeOn(limited, 2), Duration(900));
  EXPECT_EQ(RunTimeOn(limited, 5), Duration(800));
  limited.estimate.reset();
  EXPECT_EQ(RunTimeOn(limited, 5), Duration(900));
  limited.time_limit.reset();
  EXPECT_EQ(RunTimeOn(limited, 5), kUnbounded);
}

TEST(MoldableTest, LeavesThatDoNotHelpAreNotTaken) {
  EXPECT_EQ(WidestUseful(Moldable(), 6), 5);
  EXPECT_EQ(WidestUseful(Moldable(), 60), 5);
  EXPECT_EQ(WidestUseful(Moldable(), 3), 3);
  EXPECT_EQ(WidestUseful(MakeJob("rigid", 3), 3), 3);
}

TEST(MoldableTest, ALongQueueMakesJobsNarrow) {
  EXPECT_EQ(WidthCap(Moldable(), 14, 2), 6);
  EXPECT_EQ(WidthCap(Moldable(), 14, 11), 5);
  EXPECT_EQ(WidthCap(Moldable(), 14, 13), 3);
  EXPECT_EQ(WidthCap(Moldable(), 14, 14), 2);
  EXPECT_EQ(WidthCap(Moldable(), 14, 1000), 2);
}

TEST(MoldableTest, AJobAloneWaitsForMoreLeavesIfItWouldFinishEarlier) {
  Scheduler scheduler = *MakeScheduler({LeafNode(1), "first-fit", "fifo", {}});
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("runs", 5, 100)).ok());
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  // On 2 leaves now: until 2000; on 5 leaves from 100: until 900.
  ASSERT_TRUE(scheduler.Submit(At(0), Moldable()).ok());
  EXPECT_EQ(Tick(scheduler, 0), Names{});
  EXPECT_EQ(scheduler.next_timer(), At(100));
  ASSERT_TRUE(scheduler.Finish(At(90), JobId("runs")).ok());
  EXPECT_EQ(Tick(scheduler, 90), Names{"m"});
  EXPECT_EQ(scheduler.Find(JobId("m"))->leaves_held, 5);
}

TEST(MoldableTest, NobodyWaitsForAnOverdueJob) {
  Scheduler scheduler = *MakeScheduler({LeafNode(1), "first-fit", "fifo", {}});
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("runs", 5, 100)).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), Moldable()).ok());
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  EXPECT_EQ(Tick(scheduler, 100), Names{"m"});
  EXPECT_EQ(scheduler.Find(JobId("m"))->leaves_held, 2);
}

TEST(MoldableTest, AJobDoesNotWaitForMoreWhileOthersWait) {
  Scheduler scheduler = *MakeScheduler({LeafNode(1), "first-fit", "fifo-skip", {}});
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("runs", 4, 100)).ok());
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  ASSERT_TRUE(scheduler.Submit(At(0), Moldable()).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("one", 1, 100)).ok());
  EXPECT_EQ(Tick(scheduler, 0), (Names{"m", "one"}));
  EXPECT_EQ(scheduler.Find(JobId("m"))->leaves_held, 2) << "one leaf is left for the other";
}

TEST(MoldableTest, BehindAReservationAJobIsAsNarrowAsItMustBe) {
  Scheduler scheduler = *MakeScheduler({LeafNode(1), "first-fit", "easy", {}});
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("runs", 1, 900)).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("head", 7, 100)).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), Moldable()).ok());
  // Behind a head of 7 leaves a job on 2 would run until 2000, so it does not start at all.
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  Scheduler other = *MakeScheduler({LeafNode(1), "first-fit", "easy", {}});
  ASSERT_TRUE(other.Submit(At(0), MakeJob("runs", 3, 900)).ok());
  ASSERT_TRUE(other.Submit(At(0), MakeJob("head", 5, 100)).ok());
  ASSERT_TRUE(other.Submit(At(0), Moldable()).ok());
  EXPECT_EQ(Tick(other, 0), (Names{"runs", "m"}));
  EXPECT_EQ(other.Find(JobId("m"))->leaves_held, 2) << "beside the head there is room for two";
}

TEST(MoldableTest, ConservativePlansTheWidthThatFinishesFirst) {
  Scheduler scheduler = *MakeScheduler({LeafNode(1), "first-fit", "conservative", {}});
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("runs", 5, 100)).ok());
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  ASSERT_TRUE(scheduler.Submit(At(0), Moldable()).ok());
  EXPECT_EQ(Tick(scheduler, 0), Names{});
  EXPECT_EQ(scheduler.Find(JobId("m"))->planned.start, At(100));
  EXPECT_EQ(scheduler.Find(JobId("m"))->planned.leaves, 5);
}

}  // namespace
}  // namespace flexmig::sched
