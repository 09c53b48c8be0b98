// Priorities, shares, quotas, holds, dependencies, time limits: each rule alone, by hand.

#include "world_for_test.h"

namespace flexmig::sched {
namespace {

Scheduler Make(const SchedulerOptions& options, std::string queue = "fifo") {
  auto scheduler = MakeScheduler({LeafNode(1), "first-fit", std::move(queue), options});
  EXPECT_TRUE(scheduler.ok()) << scheduler.status().ToString();
  return *std::move(scheduler);
}

void Submit(Scheduler& scheduler, int64_t now, Job job) {
  const Status status = scheduler.Submit(At(now), std::move(job));
  ASSERT_TRUE(status.ok()) << status.ToString();
}

Job Of(std::string user, std::string id, int leaves) {
  Job job = MakeJob(std::move(id), leaves);
  job.user = std::move(user);
  return job;
}

Job After(std::string id, std::vector<Dependency> after, int leaves = 1) {
  Job job = MakeJob(std::move(id), leaves);
  job.after = std::move(after);
  return job;
}
constexpr auto kEnded = Dependency::Condition::kEnded;
constexpr auto kEndedOk = Dependency::Condition::kEndedOk;

TEST(SchedulerRulesTest, HigherPrioritiesGoFirstAndEqualOnesInOrder) {
  Scheduler scheduler = Make({});
  Submit(scheduler, 0, MakeJob("a", 4));
  Job b = MakeJob("b", 4);
  b.priority = -1;
  Job c = MakeJob("c", 4);
  c.priority = 5;
  Submit(scheduler, 0, b);
  Submit(scheduler, 0, MakeJob("a2", 4));
  Submit(scheduler, 0, c);
  Names order;
  for (int64_t now = 0; now < 4; ++now) {
    for (const std::string& name : Tick(scheduler, now)) order.push_back(name);
    ASSERT_TRUE(scheduler.Finish(At(now), JobId(order.back())).ok());
  }
  EXPECT_EQ(order, (Names{"c", "a", "a2", "b"}));
}

TEST(SchedulerRulesTest, WhoHasUsedLessGoesFirstAndUsageIsForgotten) {
  SchedulerOptions options;
  options.share_half_life = Duration(6400);
  Scheduler scheduler = Make(options);
  Submit(scheduler, 0, Of("ann", "a1", 7));
  EXPECT_EQ(Tick(scheduler, 0), Names{"a1"});
  Submit(scheduler, 10, Of("ann", "a2", 7));
  Submit(scheduler, 20, Of("bob", "b1", 7));
  ASSERT_TRUE(scheduler.Finish(At(1000), JobId("a1")).ok());
  EXPECT_EQ(Tick(scheduler, 1000), Names{"b1"});
  // Bob uses as much, but later: now ann has less.
  Submit(scheduler, 1100, Of("bob", "b2", 7));
  ASSERT_TRUE(scheduler.Finish(At(2000), JobId("b1")).ok());
  EXPECT_EQ(Tick(scheduler, 2000), Names{"a2"});
}

TEST(SchedulerRulesTest, AWeightIsAShare) {
  SchedulerOptions options;
  options.share_half_life = std::chrono::hours(1);
  options.share_weights = {{"ann", 3}};
  Scheduler scheduler = Make(options);
  Submit(scheduler, 0, Of("ann", "a1", 4));
  Submit(scheduler, 0, Of("bob", "b1", 3));
  EXPECT_EQ(Tick(scheduler, 0), (Names{"a1", "b1"}));
  Submit(scheduler, 10, Of("bob", "b2", 7));
  Submit(scheduler, 10, Of("ann", "a2", 7));
  ASSERT_TRUE(scheduler.Finish(At(1000), JobId("a1")).ok());
  ASSERT_TRUE(scheduler.Finish(At(1000), JobId("b1")).ok());
  EXPECT_EQ(Tick(scheduler, 1000), Names{"a2"}) << "4000 / 3 against 3000";
}

TEST(SchedulerRulesTest, QuotasKeepAUsersJobsWaitingAndNobodyElses) {
  SchedulerOptions options;
  options.default_quota.max_leaves = 3;
  options.quotas["bob"].max_jobs = 1;
  for (const char* queue : {"fifo", "fifo-skip", "sjf", "easy"}) {
    Scheduler scheduler = Make(options, queue);
    Submit(scheduler, 0, Of("ann", "a1", 2));
    Submit(scheduler, 0, Of("ann", "a2", 2));
    Submit(scheduler, 0, Of("ann", "a3", 1));
    Submit(scheduler, 0, Of("bob", "b1", 4));
    Submit(scheduler, 0, Of("bob", "b2", 1));
    EXPECT_EQ(Tick(scheduler, 0), (Names{"a1", "a3", "b1"})) << queue;
    ASSERT_TRUE(scheduler.Finish(At(1), JobId("a3")).ok());
    EXPECT_EQ(Tick(scheduler, 1), Names{}) << queue;
    ASSERT_TRUE(scheduler.Finish(At(2), JobId("a1")).ok());
    EXPECT_EQ(Tick(scheduler, 2), Names{"a2"}) << queue;
    ASSERT_TRUE(scheduler.Finish(At(3), JobId("b1")).ok());
    EXPECT_EQ(Tick(scheduler, 3), Names{"b2"}) << queue;
  }
}

TEST(SchedulerRulesTest, WhatAQuotaNeverAdmitsIsRejected) {
  SchedulerOptions options;
  options.quotas["ann"].max_leaves = 3;
  options.quotas["bob"].max_jobs = 0;
  Scheduler scheduler = Make(options);
  Submit(scheduler, 0, Of("ann", "a", 4));
  Submit(scheduler, 0, Of("bob", "b", 1));
  const auto decisions = scheduler.Tick(At(0));
  ASSERT_TRUE(decisions.ok());
  ASSERT_EQ(NamesOf(*decisions), (Names{"!a", "!b"}));
  EXPECT_EQ(std::get<RejectJob>((*decisions)[0]).reason.message(),
            "4 leaves are more than the quota of user ann, which is 3");
  EXPECT_EQ(std::get<RejectJob>((*decisions)[1]).reason.message(),
            "the quota of user bob admits no job");
}

TEST(SchedulerRulesTest, AJobPastAReservationLeavesRoomInItsUsersQuota) {
  SchedulerOptions options;
  options.default_quota.max_leaves = 5;
  Scheduler scheduler = Make(options, "easy");
  Job runs = Of("bob", "runs", 4);
  runs.estimate = Duration(100);
  Submit(scheduler, 0, runs);
  Submit(scheduler, 0, Of("ann", "head", 5));
  Job mine = Of("ann", "mine", 1);
  mine.estimate = Duration(1000);
  Submit(scheduler, 0, mine);
  Job other = Of("cat", "other", 1);
  other.estimate = Duration(1000);
  Submit(scheduler, 0, other);
  EXPECT_EQ(Tick(scheduler, 0), (Names{"runs", "other"}));
  ASSERT_TRUE(scheduler.Finish(At(100), JobId("runs")).ok());
  EXPECT_EQ(Tick(scheduler, 100), Names{"head"});
}

TEST(SchedulerRulesTest, AHeldJobWaitsAndKeepsItsPlace) {
  Scheduler scheduler = Make({});
  Job a = MakeJob("a", 7);
  a.held = true;
  Submit(scheduler, 0, a);
  Submit(scheduler, 0, MakeJob("b", 7));
  Submit(scheduler, 0, MakeJob("c", 7));
  EXPECT_EQ(scheduler.waiting_count(), 3U);
  EXPECT_EQ(Tick(scheduler, 0), Names{"b"});
  ASSERT_TRUE(scheduler.ReleaseHold(At(1), JobId("a")).ok());
  ASSERT_TRUE(scheduler.ReleaseHold(At(1), JobId("a")).ok());
  ASSERT_TRUE(scheduler.Finish(At(1), JobId("b")).ok());
  EXPECT_EQ(Tick(scheduler, 1), Names{"a"}) << "it was submitted before c";
  ASSERT_TRUE(scheduler.Hold(At(2), JobId("c")).ok());
  ASSERT_TRUE(scheduler.Finish(At(2), JobId("a")).ok());
  EXPECT_EQ(Tick(scheduler, 2), Names{});
  ASSERT_TRUE(scheduler.Cancel(At(3), JobId("c")).ok()) << "what is held can be cancelled";
  EXPECT_EQ(scheduler.waiting_count(), 0U);
  EXPECT_EQ(scheduler.Hold(At(3), JobId("c")).code(), StatusCode::kNotFound);
}

TEST(SchedulerRulesTest, ARunningJobCannotBeHeld) {
  Scheduler scheduler = Make({});
  Submit(scheduler, 0, MakeJob("a", 1));
  EXPECT_EQ(Tick(scheduler, 0), Names{"a"});
  EXPECT_EQ(scheduler.Hold(At(0), JobId("a")).message(), "job a is running; it cannot be held");
  EXPECT_EQ(scheduler.ReleaseHold(At(0), JobId("a")).code(), StatusCode::kFailedPrecondition);
}

TEST(SchedulerRulesTest, AJobStartsWhenAllThatItWaitsForHaveEnded) {
  Scheduler scheduler = Make({});
  Submit(scheduler, 0, MakeJob("a", 1));
  Submit(scheduler, 0, MakeJob("b", 1));
  Submit(scheduler, 0, After("c", {{JobId("a"), kEndedOk}, {JobId("b"), kEnded}}));
  EXPECT_EQ(Tick(scheduler, 0), (Names{"a", "b"}));
  ASSERT_TRUE(scheduler.Finish(At(1), JobId("a")).ok());
  EXPECT_EQ(Tick(scheduler, 1), Names{});
  ASSERT_TRUE(scheduler.Finish(At(2), JobId("b"), JobEnd::kFailed).ok());
  EXPECT_EQ(Tick(scheduler, 2), Names{"c"});
  Submit(scheduler, 3, After("d", {{JobId("a"), kEndedOk}}));
  EXPECT_EQ(Tick(scheduler, 3), Names{"d"}) << "a is remembered";
}

TEST(SchedulerRulesTest, AFailureRejectsAllThatNeededASuccess) {
  Scheduler scheduler = Make({});
  Submit(scheduler, 0, MakeJob("a", 1));
  Submit(scheduler, 0, After("b", {{JobId("a"), kEndedOk}}));
  Submit(scheduler, 0, After("c", {{JobId("b"), kEndedOk}}));
  Submit(scheduler, 0, After("d", {{JobId("c"), kEnded}}));
  EXPECT_EQ(Tick(scheduler, 0), Names{"a"});
  ASSERT_TRUE(scheduler.Finish(At(1), JobId("a"), JobEnd::kFailed).ok());
  const auto decisions = scheduler.Tick(At(1));
  ASSERT_TRUE(decisions.ok());
  ASSERT_EQ(NamesOf(*decisions), (Names{"!b", "!c", "d"}));
  const Status& reason = std::get<RejectJob>((*decisions)[0]).reason;
  EXPECT_EQ(reason.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(reason.message(), "job a before it has failed");
  Submit(scheduler, 2, After("e", {{JobId("b"), kEndedOk}}));
  EXPECT_EQ(Tick(scheduler, 2), Names{"!e"}) << "a rejected job has failed";
  Submit(scheduler, 3, After("f", {{JobId("d"), kEndedOk}}));
  ASSERT_TRUE(scheduler.Cancel(At(3), JobId("f")).ok());
  Submit(scheduler, 3, MakeJob("f", 1));
  ASSERT_TRUE(scheduler.Finish(At(4), JobId("d"), JobEnd::kFailed).ok());
  EXPECT_EQ(Tick(scheduler, 4), Names{"f"}) << "not the job that waited, only its name";
}

TEST(SchedulerRulesTest, UnknownDependenciesAreErrorsAndSoAreForgottenOnes) {
  SchedulerOptions options;
  options.ended_jobs_kept = 2;
  Scheduler scheduler = Make(options);
  EXPECT_EQ(scheduler.Submit(At(0), After("x", {{JobId("x"), kEnded}})).message(),
            "job x is to run after job x, which is not known");
  for (const char* id : {"a", "b", "c"}) {
    Submit(scheduler, 0, MakeJob(id, 1));
    EXPECT_EQ(Tick(scheduler, 0), Names{id});
    ASSERT_TRUE(scheduler.Finish(At(0), JobId(id)).ok());
  }
  EXPECT_EQ(scheduler.Submit(At(1), After("y", {{JobId("a"), kEnded}})).code(),
            StatusCode::kNotFound);
  EXPECT_TRUE(scheduler.Submit(At(1), After("y", {{JobId("b"), kEnded}})).ok());
  EXPECT_TRUE(scheduler.Submit(At(1), After("z", {{JobId("c"), kEnded}})).ok());
}

TEST(SchedulerRulesTest, ATimeLimitAsksForTheEndOnce) {
  Scheduler scheduler = Make({});
  Job a = MakeJob("a", 7);
  a.time_limit = Duration(50);
  Submit(scheduler, 0, a);
  Submit(scheduler, 0, MakeJob("b", 1));
  EXPECT_EQ(Tick(scheduler, 0), Names{"a"});
  EXPECT_EQ(scheduler.next_timer(), At(50));
  EXPECT_EQ(Tick(scheduler, 49), Names{});
  EXPECT_EQ(Tick(scheduler, 50), Names{"-a"});
  EXPECT_EQ(scheduler.next_timer(), std::nullopt);
  EXPECT_EQ(Tick(scheduler, 51), Names{});
  EXPECT_EQ(scheduler.running_count(), 1U) << "it holds its leaves until it has ended";
  ASSERT_TRUE(scheduler.Finish(At(52), JobId("a"), JobEnd::kFailed).ok());
  EXPECT_EQ(Tick(scheduler, 52), Names{"b"});
}

TEST(SchedulerRulesTest, ATickStartsNoMoreThanItIsAskedFor) {
  for (const std::string& queue : QueuePolicyNames()) {
    Scheduler scheduler = Make({}, queue);
    for (const char* id : {"a", "b", "c"}) Submit(scheduler, 0, MakeJob(id, 1, 10));
    for (const char* id : {"a", "b", "c"}) {
      const auto decisions = scheduler.Tick(At(1), 1);
      ASSERT_TRUE(decisions.ok());
      EXPECT_EQ(NamesOf(*decisions), Names{id}) << queue;
    }
  }
}

TEST(SchedulerRulesTest, OptionsAndJobsOutOfRangeAreErrors) {
  const auto make = [](const SchedulerOptions& options) {
    return MakeScheduler({LeafNode(1), "first-fit", "fifo", options}).status().message();
  };
  EXPECT_EQ(make({.starvation_bound = Duration(-1)}), "the starvation bound is negative");
  EXPECT_EQ(make({.share_half_life = Duration(63)}), "the half-life of usage is below 64 us");
  EXPECT_EQ(make({.share_weights = {{"ann", 0}}}),
            "the share weight of user ann is 0, not 1 to 1000000");
  EXPECT_EQ(make({.reservation_depth = 0}), "the reservation depth is below 1");

  Scheduler scheduler = Make({});
  const auto submit = [&](Job job) { return scheduler.Submit(At(0), std::move(job)).message(); };
  Job job = MakeJob("a", 4);
  job.time_limit = Duration(0);
  EXPECT_EQ(submit(job), "job a: a time limit of 0 us");
  job.time_limit.reset();
  job.moldable = MoldableRange{5, 6, {1, 2}};
  EXPECT_EQ(submit(job), "job a: 4 leaves are not in its range of 5 to 6");
  job.moldable = MoldableRange{3, 5, {1, 2}};
  EXPECT_EQ(submit(job), "job a: 2 speeds for 3 to 5 leaves");
  job.moldable = MoldableRange{3, 4, {2, 1}};
  EXPECT_EQ(submit(job), "job a: speeds that fall, or are not in 1 to 1000000000");
  EXPECT_EQ(scheduler.waiting_count(), 0U);
}

}  // namespace
}  // namespace flexmig::sched
