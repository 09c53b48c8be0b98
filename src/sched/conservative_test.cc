// Conservative backfill: by hand, against a schedule drawn on paper, and its promises.

#include <map>

#include "world_for_test.h"

namespace flexmig::sched {
namespace {

Scheduler Conservative(int gpus, const SchedulerOptions& options = {}) {
  return *MakeScheduler({LeafNode(gpus), "first-fit", "conservative", options});
}

void Submit(Scheduler& scheduler, int64_t now, Job job) {
  const Status status = scheduler.Submit(At(now), std::move(job));
  ASSERT_TRUE(status.ok()) << status.ToString();
}

TEST(ConservativeTest, NobodyInTheQueueIsDelayedByWhoPassesHim) {
  Scheduler scheduler = Conservative(1);
  Submit(scheduler, 0, MakeJob("runs", 5, 100));
  Submit(scheduler, 0, MakeJob("first", 6, 10));   // 100 to 110
  Submit(scheduler, 0, MakeJob("second", 3, 50));  // 110 to 160: at 100 only one is left
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  EXPECT_EQ(scheduler.Find(JobId("first"))->planned.start, At(100));
  EXPECT_EQ(scheduler.Find(JobId("second"))->planned.start, At(110));
  // It ends just in time for "first".
  Submit(scheduler, 1, MakeJob("third", 2, 99));
  EXPECT_EQ(Tick(scheduler, 1), Names{"third"});
  Submit(scheduler, 2, MakeJob("fourth", 1, 98));
  EXPECT_EQ(Tick(scheduler, 2), Names{});
  EXPECT_EQ(scheduler.Find(JobId("fourth"))->planned.start, At(100));
  EXPECT_EQ(scheduler.next_timer(), At(100));
}

TEST(ConservativeTest, AnEarlyEndMovesReservationsUpInQueueOrder) {
  Scheduler scheduler = Conservative(1);
  Submit(scheduler, 0, MakeJob("runs", 7, 100));
  Submit(scheduler, 0, MakeJob("first", 4, 10));
  Submit(scheduler, 0, MakeJob("second", 4, 10));
  Submit(scheduler, 0, MakeJob("third", 3, 10));
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  EXPECT_EQ(scheduler.Find(JobId("third"))->planned.start, At(100));
  ASSERT_TRUE(scheduler.Finish(At(40), JobId("runs")).ok());
  EXPECT_EQ(Tick(scheduler, 40), (Names{"first", "third"}));
  EXPECT_EQ(scheduler.Find(JobId("second"))->planned.start, At(50));
}

TEST(ConservativeTest, AnOverrunMovesReservationsBack) {
  Scheduler scheduler = Conservative(1);
  Submit(scheduler, 0, MakeJob("late", 7, 100'000'000));
  Submit(scheduler, 0, MakeJob("next", 4, 10));
  EXPECT_EQ(Tick(scheduler, 0), Names{"late"});
  EXPECT_EQ(scheduler.next_timer(), At(100'000'000));
  EXPECT_EQ(Tick(scheduler, 100'000'000), Names{});
  EXPECT_EQ(scheduler.Find(JobId("next"))->planned.start, At(110'000'000)) << "a tenth more";
  ASSERT_TRUE(scheduler.Finish(At(105'000'000), JobId("late")).ok());
  EXPECT_EQ(Tick(scheduler, 105'000'000), Names{"next"});
}

TEST(ConservativeTest, AJobOfUnknownLengthKeepsItsLeavesForEverInThePlan) {
  Scheduler scheduler = Conservative(1);
  Submit(scheduler, 0, MakeJob("unknown", 1));
  Submit(scheduler, 0, MakeJob("wide", 7, 10));
  Submit(scheduler, 0, MakeJob("narrow", 6, 10));
  EXPECT_EQ(Tick(scheduler, 0), (Names{"unknown", "narrow"}));
  EXPECT_EQ(scheduler.Find(JobId("wide"))->planned.leaves, 0) << "it has no reservation";
  ASSERT_TRUE(scheduler.Finish(At(3), JobId("unknown")).ok());
  EXPECT_EQ(Tick(scheduler, 3), Names{});
  EXPECT_EQ(scheduler.Find(JobId("wide"))->planned.start, At(10));
}

TEST(ConservativeTest, AHigherPriorityTakesTheEarlierPlace) {
  Scheduler scheduler = Conservative(1);
  Submit(scheduler, 0, MakeJob("runs", 7, 100));
  Submit(scheduler, 0, MakeJob("normal", 7, 10));
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  Job urgent = MakeJob("urgent", 7, 5);
  urgent.priority = 1;
  Submit(scheduler, 1, urgent);
  EXPECT_EQ(Tick(scheduler, 1), Names{});
  EXPECT_EQ(scheduler.Find(JobId("urgent"))->planned.start, At(100));
  EXPECT_EQ(scheduler.Find(JobId("normal"))->planned.start, At(105));
  ASSERT_TRUE(scheduler.Cancel(At(2), JobId("urgent")).ok());
  EXPECT_EQ(Tick(scheduler, 2), Names{});
  EXPECT_EQ(scheduler.Find(JobId("normal"))->planned.start, At(100));
}

TEST(ConservativeTest, ScatteredLeavesHoldUpWhoComesBehindASpanRule) {
  Scheduler scheduler = Conservative(2);
  Submit(scheduler, 0, MakeJob("a", 4, 100));  // GPU 0: 0-3
  Submit(scheduler, 0, MakeJob("b", 5, 50));   // GPU 0: 4-6, GPU 1: 7, 8
  Submit(scheduler, 0, MakeJob("c", 4, 100));  // GPU 1: 9-12
  Job span = MakeJob("span", 6, 10);
  span.request.max_gpus = 1;
  Submit(scheduler, 0, span);  // 6 are free at 50, but 3 on each GPU
  Submit(scheduler, 0, MakeJob("small", 1, 5));
  EXPECT_EQ(Tick(scheduler, 0), (Names{"a", "b", "c", "small"}));
  ASSERT_TRUE(scheduler.Finish(At(5), JobId("small")).ok());
  ASSERT_TRUE(scheduler.Finish(At(50), JobId("b")).ok());
  Submit(scheduler, 50, MakeJob("later", 2, 5));
  EXPECT_EQ(Tick(scheduler, 50), Names{});
  ASSERT_TRUE(scheduler.Finish(At(100), JobId("a")).ok());
  EXPECT_EQ(Tick(scheduler, 100), (Names{"span", "later"}));
}

TEST(ConservativeTest, OnMixedLeavesEachProfileHasAPlanOfItsOwn) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  const auto layout = mig::ParseLayout(model, "2x3g.20gb");
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  mig::NodeInventory node = LeafNode(1);
  const auto large = mig::NodeInventory::Uniform(model, 1, *layout);
  node.gpus.push_back({mig::GpuIndex(1), mig::GpuUuid("GPU-1"), &model, -1});
  for (mig::Leaf leaf : large.leaves) {
    leaf.id = mig::LeafId(static_cast<int>(node.leaves.size()));
    leaf.gpu = mig::GpuIndex(1);
    node.leaves.push_back(leaf);
  }
  Scheduler scheduler = *MakeScheduler({node, "first-fit", "conservative", {}});
  Job large_1 = MakeJob("large-1", 2, 50);
  large_1.request.min_compute_slices = 3;
  Job large_2 = MakeJob("large-2", 1, 10);
  large_2.request.min_compute_slices = 2;
  Submit(scheduler, 0, MakeJob("small-1", 6, 20));
  Submit(scheduler, 0, large_1);
  Submit(scheduler, 0, large_2);
  Submit(scheduler, 0, MakeJob("small-2", 2, 10));
  EXPECT_EQ(Tick(scheduler, 0), (Names{"small-1", "large-1"}));
  EXPECT_EQ(scheduler.Find(JobId("large-2"))->planned.start, At(50));
  EXPECT_EQ(scheduler.Find(JobId("small-2"))->planned.start, At(20));
}

TEST(ConservativeTest, BehindTheDepthNobodyStartsBeforeHeMovesUp) {
  SchedulerOptions options;
  options.reservation_depth = 2;
  Scheduler scheduler = Conservative(1, options);
  Submit(scheduler, 0, MakeJob("runs", 6, 100));
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  Submit(scheduler, 0, MakeJob("a", 7, 10));
  Submit(scheduler, 0, MakeJob("b", 7, 10));
  Submit(scheduler, 0, MakeJob("c", 1, 10));  // would fit
  EXPECT_EQ(Tick(scheduler, 0), Names{});
  ASSERT_TRUE(scheduler.Cancel(At(1), JobId("a")).ok());
  EXPECT_EQ(Tick(scheduler, 1), Names{"c"});
}

// With exact estimates, and nothing else happening, each job's place is fixed when it comes: the
// earliest at which its leaves are free beside those who came before. Times are below 10'000.
std::vector<int64_t> OnPaper(const std::vector<WorldJob>& jobs, int leaves) {
  std::vector<int> free(10'000, leaves);
  std::vector<int64_t> starts;
  for (const WorldJob& job : jobs) {
    const auto run = static_cast<size_t>(job.run_time.count());
    auto at = static_cast<size_t>(job.submit_time.time_since_epoch().count());
    const auto fits = [&](size_t from) {
      return std::all_of(free.begin() + static_cast<int64_t>(from),
                         free.begin() + static_cast<int64_t>(from + run),
                         [&](int n) { return n >= job.job.request.leaf_count; });
    };
    while (!fits(at)) ++at;
    for (size_t t = at; t < at + run; ++t) free[t] -= job.job.request.leaf_count;
    starts.push_back(static_cast<int64_t>(at));
  }
  return starts;
}

TEST(ConservativeTest, RandomWorkloadsStartAsOnPaper) {
  SplitMix64 random(20261122);
  for (int round = 0; round < 200; ++round) {
    Scheduler scheduler = Conservative(2);
    World world(scheduler, RandomJobs(random, 14, Estimates::kExact));
    const auto expected = OnPaper(world.jobs(), 14);
    world.Play();
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_TRUE(world.jobs()[i].start_time);
      ASSERT_EQ(*world.jobs()[i].start_time, At(expected[i]))
          << "job " << i << " of round " << round;
    }
  }
}

TEST(ConservativeTest, WithEarlyEndsAndCancelsNobodyStartsLaterThanFirstPromised) {
  SplitMix64 random(7);
  int promises = 0;
  for (int round = 0; round < 150; ++round) {
    Scheduler scheduler = Conservative(2);
    auto jobs = RandomJobs(random, 14, Estimates::kExact);
    for (WorldJob& job : jobs) {  // estimates are bounds now
      *job.job.estimate += Duration(static_cast<int64_t>(random.NextBelow(60)));
    }
    World world(scheduler, std::move(jobs));
    std::map<JobId, TimePoint> promised;
    world.after_tick = [&](TimePoint, std::span<const Decision>) {
      QueueCursor cursor(scheduler.queue());
      while (const QueuedJob* job = cursor.Next()) {
        ASSERT_GT(job->planned.leaves, 0);
        promised.emplace(job->job.id, job->planned.start);
      }
    };
    world.Play();
    for (const auto& [id, time] : promised) {
      ASSERT_TRUE(world.job(id).start_time);
      ASSERT_LE(*world.job(id).start_time, time) << "round " << round;
      ++promises;
    }
  }
  EXPECT_GT(promises, 500);
}

}  // namespace
}  // namespace flexmig::sched
