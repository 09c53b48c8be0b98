// EASY backfill: by hand, against a plain list that counts, and what it promises to the head.

#include <map>

#include "world_for_test.h"

namespace flexmig::sched {
namespace {

Scheduler Easy(int gpus) { return *MakeScheduler({LeafNode(gpus), "first-fit", "easy", {}}); }

void Submit(Scheduler& scheduler, int64_t now, Job job) {
  const Status status = scheduler.Submit(At(now), std::move(job));
  ASSERT_TRUE(status.ok()) << status.ToString();
}

TEST(EasyTest, WhatEndsBeforeTheHeadsReservationStartsPastIt) {
  Scheduler scheduler = Easy(1);
  Submit(scheduler, 0, MakeJob("runs", 5, 100));
  EXPECT_EQ(Tick(scheduler, 0), Names{"runs"});
  Submit(scheduler, 10, MakeJob("head", 6, 10));
  Submit(scheduler, 10, MakeJob("too-long", 2, 91));
  Submit(scheduler, 10, MakeJob("just-fits", 1, 90));
  Submit(scheduler, 10, MakeJob("beside", 1, 1'000'000));
  // 7 leaves: 2 are free; at 100 the head needs 6 of 7, so one may be kept beyond.
  EXPECT_EQ(Tick(scheduler, 10), (Names{"just-fits", "beside"}));
  ASSERT_TRUE(scheduler.Finish(At(100), JobId("runs")).ok());
  ASSERT_TRUE(scheduler.Finish(At(100), JobId("just-fits")).ok());
  EXPECT_EQ(Tick(scheduler, 100), Names{"head"});
}

TEST(EasyTest, AJobWithoutEstimateStartsOnlyBesideTheHead) {
  Scheduler scheduler = Easy(1);
  Submit(scheduler, 0, MakeJob("runs", 4, 100));
  Submit(scheduler, 0, MakeJob("head", 6, 10));
  Submit(scheduler, 0, MakeJob("unknown-2", 2));
  Submit(scheduler, 0, MakeJob("unknown-1", 1));
  Submit(scheduler, 0, MakeJob("unknown-1b", 1));
  EXPECT_EQ(Tick(scheduler, 0), (Names{"runs", "unknown-1"}));
}

TEST(EasyTest, ATimeLimitServesAsAnEstimate) {
  Scheduler scheduler = Easy(1);
  Job runs = MakeJob("runs", 4);
  runs.time_limit = Duration(100);
  Submit(scheduler, 0, runs);
  Submit(scheduler, 0, MakeJob("head", 7, 10));
  Job limited = MakeJob("limited", 3);
  limited.time_limit = Duration(100);
  Job longer = MakeJob("longer", 3, 101);
  Submit(scheduler, 0, longer);
  Submit(scheduler, 0, limited);
  EXPECT_EQ(Tick(scheduler, 0), (Names{"runs", "limited"}));
}

TEST(EasyTest, BehindAJobOfUnknownLengthOnlyBoundedJobsPass) {
  Scheduler scheduler = Easy(1);
  Submit(scheduler, 0, MakeJob("unknown", 1));
  Submit(scheduler, 0, MakeJob("head", 7, 10));
  Submit(scheduler, 0, MakeJob("also-unknown", 1));
  Submit(scheduler, 0, MakeJob("bounded", 1, 1'000'000));
  EXPECT_EQ(Tick(scheduler, 0), (Names{"unknown", "bounded"}));
}

TEST(EasyTest, WhileAJobIsOverdueNothingPassesButBesideTheHead) {
  Scheduler scheduler = Easy(1);
  Submit(scheduler, 0, MakeJob("late", 4, 10));
  Submit(scheduler, 0, MakeJob("head", 6, 10));
  EXPECT_EQ(Tick(scheduler, 0), Names{"late"});
  Submit(scheduler, 20, MakeJob("short", 2, 1));
  Submit(scheduler, 20, MakeJob("narrow", 1, 500));
  EXPECT_EQ(Tick(scheduler, 20), Names{"narrow"});
  ASSERT_TRUE(scheduler.Finish(At(30), JobId("late")).ok());
  EXPECT_EQ(Tick(scheduler, 30), Names{"head"});
}

TEST(EasyTest, AHeadWithASpanRuleIsNotDelayedByWhatCountingWouldAdmit) {
  // Two GPUs; the head needs 7 leaves of one GPU. 6 leaves of GPU 1 are held until 100.
  Scheduler scheduler = Easy(2);
  Submit(scheduler, 0, MakeJob("a", 7, 50));   // GPU 0
  Submit(scheduler, 0, MakeJob("b", 6, 100));  // GPU 1
  EXPECT_EQ(Tick(scheduler, 0), (Names{"a", "b"}));
  Job head = MakeJob("head", 7, 10);
  head.request.max_gpus = 1;
  Submit(scheduler, 1, head);
  ASSERT_TRUE(scheduler.Finish(At(10), JobId("b")).ok());
  Submit(scheduler, 10, MakeJob("d", 2, 1000));  // would leave 5 + 7 at 50: room by count
  // On GPU 1 the head fits now.
  EXPECT_EQ(Tick(scheduler, 10), Names{"head"});
}

TEST(EasyTest, ALongJobIsKeptOffTheOnlyGpuThatTheHeadCanHave) {
  Scheduler scheduler = Easy(2);
  Submit(scheduler, 0, MakeJob("a", 3, 50));      // GPU 0: 0-2
  Submit(scheduler, 0, MakeJob("b", 5, 10));      // GPU 0: 3-6, GPU 1: 7
  Submit(scheduler, 0, MakeJob("c", 1, 10'000));  // GPU 1: 8
  EXPECT_EQ(Tick(scheduler, 0), (Names{"a", "b", "c"}));
  Job head = MakeJob("head", 7, 10);
  head.request.max_gpus = 1;  // GPU 0 at 50; by count it fits beside anything
  Submit(scheduler, 10, head);
  ASSERT_TRUE(scheduler.Finish(At(10), JobId("b")).ok());
  Submit(scheduler, 10, MakeJob("long", 2, 10'000));  // first-fit: GPU 0, 3-4
  Submit(scheduler, 10, MakeJob("short", 2, 40));
  EXPECT_EQ(Tick(scheduler, 10), Names{"short"});
  ASSERT_TRUE(scheduler.Finish(At(50), JobId("a")).ok());
  ASSERT_TRUE(scheduler.Finish(At(50), JobId("short")).ok());
  EXPECT_EQ(Tick(scheduler, 50), (Names{"head", "long"}));
}

// EASY as plainly as it can be said, for requests without span rules.
class NaiveEasy {
 public:
  explicit NaiveEasy(int free) : free_(free) {}
  void Submit(const Job& job) { waiting_.push_back(job); }
  void Finish(const JobId& id) {
    free_ += running_.at(id).first;
    running_.erase(id);
  }
  Names Tick(TimePoint now) {
    Names started;
    while (!waiting_.empty() && waiting_.front().request.leaf_count <= free_) {
      Start(waiting_.begin(), now, started);
    }
    if (waiting_.empty()) return started;
    // When the head starts, and how many leaves it leaves.
    const int needed = waiting_.front().request.leaf_count;
    std::multimap<TimePoint, int> ends;
    for (const auto& [id, run] : running_) ends.emplace(std::max(now, run.second), run.first);
    TimePoint head_start = kNever;
    int then_free = free_;
    for (const auto& [end, leaves] : ends) {
      if (end == kNever || (then_free >= needed && end > head_start)) break;
      then_free += leaves;
      if (then_free >= needed) head_start = std::min(head_start, end);
    }
    int extra = then_free - needed;
    for (auto at = std::next(waiting_.begin()); at != waiting_.end();) {
      const int leaves = at->request.leaf_count;
      const TimePoint end = at->estimate ? now + *at->estimate : kNever;
      const bool in_time = end != kNever && end <= head_start;
      if (leaves <= free_ && (in_time || leaves <= extra)) {
        if (!in_time) extra -= leaves;
        at = Start(at, now, started);
      } else {
        ++at;
      }
    }
    return started;
  }

 private:
  std::vector<Job>::iterator Start(std::vector<Job>::iterator at, TimePoint now, Names& started) {
    free_ -= at->request.leaf_count;
    running_[at->id] = {at->request.leaf_count, at->estimate ? now + *at->estimate : kNever};
    started.push_back(at->id.value());
    return waiting_.erase(at);
  }

  int free_;
  std::vector<Job> waiting_;
  std::map<JobId, std::pair<int, TimePoint>> running_;
};

class EasyOracleTest : public testing::TestWithParam<Estimates> {};

TEST_P(EasyOracleTest, RandomWorkloadsStartAsInAPlainList) {
  SplitMix64 random(20261122);
  for (int round = 0; round < 150; ++round) {
    Scheduler scheduler = Easy(2);
    NaiveEasy naive(14);
    EventLog log;
    scheduler.set_recorder(&log);
    World world(scheduler, RandomJobs(random, 14, GetParam()));
    size_t seen = 0;
    world.after_tick = [&](TimePoint now, std::span<const Decision> decisions) {
      for (; seen < log.events.size(); ++seen) {
        const auto& what = log.events[seen].what;
        if (const auto* submit = std::get_if<SubmitEvent>(&what)) naive.Submit(submit->job);
        if (const auto* finish = std::get_if<FinishEvent>(&what)) naive.Finish(finish->job);
      }
      ASSERT_EQ(NamesOf(decisions), naive.Tick(now)) << "round " << round;
    };
    world.Play();
    for (const WorldJob& job : world.jobs()) ASSERT_TRUE(job.finish_time) << job.job.id.value();
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EasyOracleTest,
                         testing::Values(Estimates::kExact, Estimates::kWrong,
                                         Estimates::kSomeMissing),
                         testing::PrintToStringParamName());

// When the head could start if nothing but the running jobs held leaves, by really asking.
TimePoint FirstFit(const Scheduler& scheduler, const World& world, const QueuedJob& head) {
  alloc::LeafPool pool = scheduler.pool();
  for (const auto& [end, i] : world.ends()) {
    EXPECT_TRUE(pool.Release(world.jobs()[i].job.id).ok());
    if (scheduler.allocation_policy().Choose(head.job.request, pool).ok()) return end;
  }
  return kNever;
}

// A job of one node has at most that node's GPUs: saying so changes nothing, but such a request is
// not counted, its reservation plays the releases on a copy of the pool.
TEST(EasyTest, CountingOnNodesDecidesAsPlayingTheReleasesDoes) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  const auto inventory =
      mig::NodeInventory::Cluster(model, {3, 2, 1}, *mig::UniformLayout(model, "1g.5gb"));
  SplitMix64 random(20261123);
  for (int round = 0; round < 120; ++round) {
    const auto estimates = round % 2 == 0 ? Estimates::kExact : Estimates::kWrong;
    std::vector<WorldJob> jobs = RandomJobs(random, 14, estimates);
    const auto play = [&] {
      Scheduler scheduler = *MakeScheduler({inventory, "pack", "easy", {}});
      World world(scheduler, jobs);
      std::vector<std::pair<TimePoint, Names>> starts;
      world.after_tick = [&](TimePoint now, std::span<const Decision> decisions) {
        starts.emplace_back(now, NamesOf(decisions));
      };
      world.Play();
      return starts;
    };
    const auto counted = play();
    for (WorldJob& job : jobs) job.job.request.max_gpus = 2;
    ASSERT_EQ(play(), counted) << "round " << round;
  }
}

TEST(EasyTest, WithExactEstimatesNoHeadStartsLaterThanFirstPromised) {
  SplitMix64 random(5);
  int promises = 0;
  for (int round = 0; round < 150; ++round) {
    const std::string policy = alloc::PolicyNames()[random.NextBelow(alloc::PolicyNames().size())];
    auto made = MakeScheduler({LeafNode(3), policy, "easy", {}});
    ASSERT_TRUE(made.ok());
    Scheduler& scheduler = *made;
    auto jobs = RandomJobs(random, 21, Estimates::kExact);
    for (WorldJob& job : jobs) {
      if (random.NextBelow(3) == 0) {
        job.job.request.leaf_count = std::min(job.job.request.leaf_count, 14);
        job.job.request.max_gpus = (job.job.request.leaf_count + 6) / 7;
      }
    }
    World world(scheduler, std::move(jobs));
    std::map<JobId, TimePoint> promised;
    world.after_tick = [&](TimePoint, std::span<const Decision>) {
      const QueuedJob* head = scheduler.queue().Front();
      if (head == nullptr || promised.contains(head->job.id)) return;
      promised[head->job.id] = FirstFit(scheduler, world, *head);
    };
    world.Play();
    for (const auto& [id, time] : promised) {
      ASSERT_TRUE(world.job(id).start_time);
      ASSERT_LE(*world.job(id).start_time, time) << policy << ", round " << round;
      ++promises;
    }
  }
  EXPECT_GT(promises, 500);
}

}  // namespace
}  // namespace flexmig::sched
