#include "flexmig/sched/scheduler.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::sched {
namespace {

using mig::LeafId;

TimePoint At(int64_t micros) { return TimePoint(Duration(micros)); }

// A node of A100s flattened to 7 leaves each.
Scheduler MakeScheduler(int gpus, std::string_view queue_policy) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  return {alloc::LeafPool(
              mig::NodeInventory::Uniform(model, gpus, *mig::UniformLayout(model, "1g.5gb"))),
          *alloc::MakePolicy("first-fit"), *MakeQueuePolicy(queue_policy)};
}

Job MakeJob(std::string id, int leaves, std::optional<Duration> estimate = {}) {
  Job job;
  job.id = JobId(std::move(id));
  job.request.leaf_count = leaves;
  job.estimate = estimate;
  return job;
}

// The jobs of the decisions, "!" in front of the rejected ones, "-" of those to be ended.
std::vector<std::string> Tick(Scheduler& scheduler, int64_t micros) {
  const auto decisions = scheduler.Tick(At(micros));
  EXPECT_TRUE(decisions.ok()) << decisions.status().ToString();
  std::vector<std::string> names;
  if (!decisions.ok()) return names;
  for (const Decision& decision : *decisions) {
    if (const auto* start = std::get_if<StartJob>(&decision)) {
      names.push_back(start->job.value());
    } else if (const auto* reject = std::get_if<RejectJob>(&decision)) {
      names.push_back("!" + reject->job.value());
    } else {
      names.push_back("-" + std::get<EndJob>(decision).job.value());
    }
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(SchedulerTest, AStartedJobHoldsItsLeavesUntilItFinishes) {
  Scheduler scheduler = MakeScheduler(1, "fifo");
  ASSERT_TRUE(scheduler.Submit(At(1), MakeJob("a", 5)).ok());
  EXPECT_EQ(scheduler.waiting_count(), 1U);
  const auto decisions = scheduler.Tick(At(1));
  ASSERT_TRUE(decisions.ok());
  ASSERT_EQ(decisions->size(), 1U);
  const alloc::Allocation lowest{{LeafId(0), LeafId(1), LeafId(2), LeafId(3), LeafId(4)}};
  EXPECT_EQ(decisions->front(), Decision(StartJob{JobId("a"), lowest}));
  EXPECT_EQ(scheduler.pool().HolderOf(LeafId(4)), JobId("a"));
  EXPECT_EQ(scheduler.running_count(), 1U);
  ASSERT_TRUE(scheduler.Finish(At(2), JobId("a")).ok());
  EXPECT_EQ(scheduler.pool().free_count(), 7);
  EXPECT_EQ(scheduler.running_count(), 0U);
}

TEST(SchedulerTest, StrictFifoLetsNobodyPastTheHead) {
  Scheduler scheduler = MakeScheduler(1, "fifo");
  for (const auto& [id, leaves] : std::map<std::string, int>{{"a", 4}, {"b", 4}, {"c", 1}}) {
    ASSERT_TRUE(scheduler.Submit(At(0), MakeJob(id, leaves)).ok());
  }
  EXPECT_EQ(Tick(scheduler, 0), (Names{"a"}));
  ASSERT_TRUE(scheduler.Finish(At(5), JobId("a")).ok());
  EXPECT_EQ(Tick(scheduler, 5), (Names{"b", "c"}));
}

TEST(SchedulerTest, FifoSkipLetsTheSmallPast) {
  Scheduler scheduler = MakeScheduler(1, "fifo-skip");
  for (const auto& [id, leaves] : std::map<std::string, int>{{"a", 4}, {"b", 4}, {"c", 1}}) {
    ASSERT_TRUE(scheduler.Submit(At(0), MakeJob(id, leaves)).ok());
  }
  EXPECT_EQ(Tick(scheduler, 0), (Names{"a", "c"}));
  ASSERT_TRUE(scheduler.Submit(At(1), MakeJob("d", 4)).ok());
  EXPECT_EQ(Tick(scheduler, 1), Names{});
  ASSERT_TRUE(scheduler.Finish(At(5), JobId("a")).ok());
  EXPECT_EQ(Tick(scheduler, 5), (Names{"b"}));
}

TEST(SchedulerTest, SjfTakesTheShortestEstimateAndTheUnknownLast) {
  Scheduler scheduler = MakeScheduler(1, "sjf");
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("unknown", 3)).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("long", 3, Duration(90))).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("wide", 5, Duration(80))).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("short", 3, Duration(10))).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("later", 1, Duration(10))).ok());
  EXPECT_EQ(Tick(scheduler, 0), (Names{"short", "later", "long"}));
  ASSERT_TRUE(scheduler.Finish(At(1), JobId("long")).ok());
  EXPECT_EQ(Tick(scheduler, 1), (Names{"unknown"}));
}

TEST(SchedulerTest, WhatCanNeverRunIsRejectedAtOnce) {
  Scheduler scheduler = MakeScheduler(1, "fifo");
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("a", 7)).ok());
  EXPECT_EQ(Tick(scheduler, 0), (Names{"a"}));
  ASSERT_TRUE(scheduler.Submit(At(1), MakeJob("b", 7)).ok());  // waits
  ASSERT_TRUE(scheduler.Submit(At(1), MakeJob("c", 8)).ok());
  ASSERT_TRUE(scheduler.Submit(At(1), MakeJob("d", 8)).ok());
  ASSERT_TRUE(scheduler.Submit(At(1), MakeJob("e", 0)).ok());
  const auto decisions = scheduler.Tick(At(1));
  ASSERT_TRUE(decisions.ok());
  ASSERT_EQ(decisions->size(), 3U);
  const auto& reject = std::get<RejectJob>((*decisions)[1]);
  EXPECT_EQ(reject.job, JobId("d"));
  EXPECT_EQ(reject.reason.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(reject.reason.message(),
            "8 leaves of one profile are more than this node has; the largest possible number is "
            "7");
  EXPECT_EQ(scheduler.waiting_count(), 1U);
  ASSERT_TRUE(scheduler.Submit(At(1), MakeJob("c", 1)).ok()) << "a rejected id is free again";
}

TEST(SchedulerTest, EventsThatDoNotFitTheStateChangeNothing) {
  Scheduler scheduler = MakeScheduler(1, "fifo");
  ASSERT_TRUE(scheduler.Submit(At(10), MakeJob("a", 7)).ok());
  ASSERT_TRUE(scheduler.Submit(At(10), MakeJob("b", 7)).ok());
  EXPECT_EQ(Tick(scheduler, 10), (Names{"a"}));
  EXPECT_EQ(scheduler.Submit(At(10), MakeJob("a", 1)).message(), "job a is already running");
  EXPECT_EQ(scheduler.Submit(At(10), MakeJob("b", 1)).message(), "job b is already waiting");
  EXPECT_EQ(scheduler.Submit(At(10), MakeJob("c", 1, Duration(-1))).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(scheduler.Finish(At(10), JobId("b")).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(scheduler.Finish(At(10), JobId("x")).code(), StatusCode::kNotFound);
  EXPECT_EQ(scheduler.Cancel(At(10), JobId("a")).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(scheduler.Cancel(At(10), JobId("x")).code(), StatusCode::kNotFound);
  EXPECT_EQ(scheduler.LeafLost(At(10), LeafId(7)).code(), StatusCode::kNotFound);
  for (const Status& status :
       {scheduler.Submit(At(9), MakeJob("d", 1)), scheduler.Finish(At(9), JobId("a")),
        scheduler.Cancel(At(9), JobId("b")), scheduler.LeafLost(At(9), LeafId(0)),
        scheduler.LeafBack(At(9), LeafId(0)), scheduler.Tick(At(9)).status()}) {
    EXPECT_EQ(status.message(), "an event at 9 us after one at 10 us");
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(scheduler.waiting_count(), 1U);
  EXPECT_EQ(scheduler.running_count(), 1U);
  EXPECT_EQ(Tick(scheduler, 10), Names{});
}

TEST(SchedulerTest, ACancelledHeadLetsTheNextStart) {
  Scheduler scheduler = MakeScheduler(1, "fifo");
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("a", 4)).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("b", 4)).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("c", 3)).ok());
  EXPECT_EQ(Tick(scheduler, 0), (Names{"a"}));
  ASSERT_TRUE(scheduler.Cancel(At(1), JobId("b")).ok());
  EXPECT_EQ(Tick(scheduler, 1), (Names{"c"}));
}

TEST(SchedulerTest, ALostLeafIsNotGivenOutAndABackOneIs) {
  Scheduler scheduler = MakeScheduler(1, "fifo");
  ASSERT_TRUE(scheduler.LeafLost(At(0), LeafId(3)).ok());
  ASSERT_TRUE(scheduler.Submit(At(0), MakeJob("a", 7)).ok());
  EXPECT_EQ(Tick(scheduler, 0), Names{}) << "it waits, the leaf may come back";
  ASSERT_TRUE(scheduler.LeafBack(At(1), LeafId(3)).ok());
  EXPECT_EQ(Tick(scheduler, 1), (Names{"a"}));
  ASSERT_TRUE(scheduler.LeafLost(At(2), LeafId(3)).ok());
  EXPECT_EQ(scheduler.pool().HolderOf(LeafId(3)), JobId("a"));
  ASSERT_TRUE(scheduler.Finish(At(3), JobId("a")).ok());
  EXPECT_EQ(scheduler.pool().free_count(), 6);
}

// The same rules, as plainly as they can be said: a sorted list, walked from the front.
class NaiveScheduler {
 public:
  NaiveScheduler(int free, const QueuePolicy& policy) : free_(free), policy_(policy) {}
  void Submit(const Job& job) { waiting_.insert({{policy_.KeyOf(job), sequence_++}, job}); }
  void Cancel(const JobId& id) {
    std::erase_if(waiting_, [&](const auto& entry) { return entry.second.id == id; });
  }
  void Finish(const JobId& id) {
    free_ += running_.at(id);
    running_.erase(id);
  }
  Names Tick() {
    Names started;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      const int leaves = at->second.request.leaf_count;
      if (leaves <= free_) {
        free_ -= leaves;
        running_[at->second.id] = leaves;
        started.push_back(at->second.id.value());
        at = waiting_.erase(at);
      } else if (policy_.skips()) {
        ++at;
      } else {
        break;
      }
    }
    return started;
  }
  [[nodiscard]] const std::map<JobId, int>& running() const { return running_; }

 private:
  int free_;
  const QueuePolicy& policy_;
  uint64_t sequence_ = 0;
  std::map<std::pair<int64_t, uint64_t>, Job> waiting_;
  std::map<JobId, int> running_;
};

class SchedulerOracleTest : public testing::TestWithParam<std::string> {};

TEST_P(SchedulerOracleTest, RandomEventsGiveTheDecisionsOfAPlainList) {
  SplitMix64 random(20261122);
  for (int round = 0; round < 20; ++round) {
    Scheduler scheduler = MakeScheduler(2, GetParam());
    NaiveScheduler naive(14, scheduler.queue_policy());
    std::vector<JobId> submitted;
    for (int64_t now = 0; now < 400; ++now) {
      // More comes than goes, so that the queue grows long.
      for (uint64_t i = random.NextBelow(3); i > 0; --i) {
        Job job = MakeJob(StrCat("j", submitted.size()), 1 + static_cast<int>(random.NextBelow(9)));
        if (random.NextBelow(4) > 0) {
          job.estimate = Duration(static_cast<int64_t>(random.NextBelow(50)));
        }
        submitted.push_back(job.id);
        naive.Submit(job);
        ASSERT_TRUE(scheduler.Submit(At(now), std::move(job)).ok());
      }
      if (!submitted.empty() && random.NextBelow(3) == 0) {
        const JobId id = submitted[random.NextBelow(submitted.size())];
        if (scheduler.Cancel(At(now), id).ok()) naive.Cancel(id);
      }
      while (!naive.running().empty() && random.NextBelow(2) == 0) {
        const auto nth = random.NextBelow(naive.running().size());
        const JobId id = std::next(naive.running().begin(), static_cast<int64_t>(nth))->first;
        naive.Finish(id);
        ASSERT_TRUE(scheduler.Finish(At(now), id).ok());
      }
      ASSERT_EQ(Tick(scheduler, now), naive.Tick()) << "at " << now;
      ASSERT_EQ(scheduler.running_count(), naive.running().size());
      for (const auto& [id, leaves] : naive.running()) {
        int held = 0;
        for (int leaf = 0; leaf < 14; ++leaf) {
          if (scheduler.pool().HolderOf(LeafId(leaf)) == id) ++held;
        }
        ASSERT_EQ(held, leaves);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, SchedulerOracleTest, testing::Values("fifo", "fifo-skip", "sjf"),
                         [](const auto& param_info) {
                           std::string name = param_info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace flexmig::sched
