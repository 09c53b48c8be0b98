// Every scheme on clusters of nodes: who may span them, who may not, and what becomes of jobs that
// are wider than a node.

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/sim/comparison.h"

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

constexpr SpanNodes kSpans[] = {SpanNodes::kNo, SpanNodes::kWide, SpanNodes::kAny};

// On which nodes each job ran, by what the inventory says of its leaves.
class NodesOfJobs final : public RunObserver {
 public:
  Status OnBegin(sched::TimePoint /*now*/, const sched::Scheduler& scheduler) override {
    inventory_ = &scheduler.pool().inventory();
    return OkStatus();
  }
  Status OnStart(sched::TimePoint /*now*/, size_t job,
                 const alloc::Allocation& allocation) override {
    for (const mig::LeafId id : allocation.leaves) {
      const mig::Leaf& leaf = inventory_->leaves[static_cast<size_t>(id.value())];
      nodes_[job].insert(inventory_->gpus[static_cast<size_t>(leaf.gpu.value())].node.value());
    }
    return OkStatus();
  }
  [[nodiscard]] const std::map<size_t, std::set<int>>& nodes() const { return nodes_; }

 private:
  const mig::NodeInventory* inventory_ = nullptr;
  std::map<size_t, std::set<int>> nodes_;
};

std::vector<trace::JobRecord> RandomRecords(SplitMix64& random, int most_gpus) {
  std::vector<Line> lines;
  int submit = 0;
  const auto jobs = 1 + random.NextBelow(60);
  for (uint64_t i = 0; i < jobs; ++i) {
    submit += static_cast<int>(random.NextBelow(40));
    const bool wide = random.NextBelow(3) == 0;
    lines.push_back(
        {submit, 1 + static_cast<int>(random.NextBelow(300)),
         wide ? 100 * (1 + static_cast<int>(random.NextBelow(static_cast<uint64_t>(most_gpus))))
              : 1 + static_cast<int>(random.NextBelow(100))});
  }
  return Records(lines);
}

using Case = std::tuple<std::string, std::string>;
class ClusterTest : public testing::TestWithParam<Case> {};

TEST_P(ClusterTest, NoJobSpansMoreNodesThanItMay) {
  const auto& [policy, queue] = GetParam();
  SplitMix64 random(1123);
  for (int round = 0; round < 24; ++round) {
    Setting setting;
    setting.nodes = 1 + static_cast<int>(random.NextBelow(4));
    setting.gpus = 1 + static_cast<int>(random.NextBelow(3));
    setting.span = kSpans[round % 3];
    setting.queue = queue;
    setting.communication = *Communication::Parse("links:step=20ms");
    const int all = setting.nodes * setting.gpus;
    const auto records = RandomRecords(random, all + 1);
    NodesOfJobs watch;
    const auto played = TryPlay(policy, records, setting, {.observers = {&watch}});
    ASSERT_TRUE(played.ok()) << played.status().ToString();
    int64_t left_out = 0;
    for (size_t i = 0; i < records.size(); ++i) {
      const int gpus = records[i].num_gpus;
      const int needed = (gpus + setting.gpus - 1) / setting.gpus;
      const bool possible = gpus <= (setting.span == SpanNodes::kNo ? setting.gpus : all);
      ASSERT_EQ(played->outcome.jobs[i].done, possible) << gpus << " GPUs on " << setting.gpus;
      if (!possible) {
        ++left_out;
        ASSERT_EQ(watch.nodes().count(i), 0u);
        continue;
      }
      const auto used = static_cast<int>(watch.nodes().at(i).size());
      ASSERT_LE(used, setting.span == SpanNodes::kNo     ? 1
                      : setting.span == SpanNodes::kWide ? needed
                                                         : setting.nodes);
      // A moldable job can have become smaller than a node.
      if (!policy.starts_with("flexmig-moldable")) {
        ASSERT_GE(used, needed);
      }
    }
    ASSERT_EQ(played->summary.jobs_left_out, left_out);
    ASSERT_EQ(played->outcome.first_rejection.empty(), left_out == 0);
  }
}

TEST_P(ClusterTest, OnOneNodeSpanRulesChangeNothing) {
  const auto& [policy, queue] = GetParam();
  SplitMix64 random(7);
  for (int round = 0; round < 4; ++round) {
    Setting setting;
    setting.gpus = 1 + static_cast<int>(random.NextBelow(4));
    setting.queue = queue;
    setting.communication = *Communication::Parse("links:step=20ms");
    const auto records = RandomRecords(random, setting.gpus + 1);
    const auto wide = TryPlay(policy, records, setting);
    ASSERT_TRUE(wide.ok()) << wide.status().ToString();
    for (const SpanNodes span : {SpanNodes::kNo, SpanNodes::kAny}) {
      setting.span = span;
      const auto other = TryPlay(policy, records, setting);
      ASSERT_TRUE(other.ok());
      ASSERT_EQ(other->outcome.jobs, wide->outcome.jobs);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ClusterTest,
    testing::Combine(testing::Values("whole-gpu", "exclusive", "static:7g.40gb", "dynamic-drain",
                                     "dynamic-partial", "flexmig", "flexmig-moldable"),
                     testing::ValuesIn(sched::QueuePolicyNames())),
    [](const auto& param_info) {
      std::string name = StrCat(std::get<0>(param_info.param), "_", std::get<1>(param_info.param));
      std::replace_if(
          name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
      return name;
    });

// Where any job may span and places cost nothing, only how much is free counts: as one large node.
TEST(ClusterPoolTest, ClusterThatAnyJobMaySpanIsAPool) {
  SplitMix64 random(99);
  for (const char* policy : {"whole-gpu", "exclusive", "static:7g.40gb", "flexmig"}) {
    for (int round = 0; round < 10; ++round) {
      Setting cluster;
      cluster.nodes = 2 + static_cast<int>(random.NextBelow(3));
      cluster.gpus = 1 + static_cast<int>(random.NextBelow(3));
      cluster.span = SpanNodes::kAny;
      Setting pool;
      pool.gpus = cluster.nodes * cluster.gpus;
      const auto records = RandomRecords(random, pool.gpus);
      const auto on_cluster = TryPlay(policy, records, cluster);
      const auto on_pool = TryPlay(policy, records, pool);
      ASSERT_TRUE(on_cluster.ok() && on_pool.ok()) << policy;
      ASSERT_EQ(on_cluster->outcome.jobs, on_pool->outcome.jobs) << policy;
    }
  }
}

// Strict fifo over nodes by hand: a job starts on the lowest node with enough free GPUs, as soon as
// there is one and everybody before it has started.
std::vector<int> FifoStarts(const std::vector<Line>& lines, int nodes, int gpus) {
  std::vector<std::vector<int>> free_at(static_cast<size_t>(nodes),
                                        std::vector<int>(static_cast<size_t>(gpus)));
  std::vector<int> starts;
  int now = 0;
  for (const Line& line : lines) {
    const auto wanted = static_cast<size_t>((line.hundredths + 99) / 100);
    if (wanted > static_cast<size_t>(gpus)) {
      starts.push_back(-1);
      continue;
    }
    now = std::max(now, line.submit_s);
    std::vector<int>* chosen = nullptr;
    for (; chosen == nullptr; now += chosen == nullptr ? 1 : 0) {
      for (std::vector<int>& node : free_at) {
        std::sort(node.begin(), node.end());
        if (chosen == nullptr && node[wanted - 1] <= now) chosen = &node;
      }
    }
    for (size_t i = 0; i < wanted; ++i) (*chosen)[i] = now + line.duration_s;
    starts.push_back(now);
  }
  return starts;
}

TEST(ClusterOracleTest, WholeGpusUnderFifoStartWhenTheirNodeHasRoom) {
  SplitMix64 random(5);
  for (int round = 0; round < 60; ++round) {
    Setting setting;
    setting.nodes = 1 + static_cast<int>(random.NextBelow(4));
    setting.gpus = 1 + static_cast<int>(random.NextBelow(4));
    setting.span = SpanNodes::kNo;
    std::vector<Line> lines;
    int submit = 0;
    for (int i = 0; i < 40; ++i) {
      submit += static_cast<int>(random.NextBelow(20));
      lines.push_back({submit, 1 + static_cast<int>(random.NextBelow(60)),
                       100 * (1 + static_cast<int>(random.NextBelow(4)))});
    }
    const auto expected = FifoStarts(lines, setting.nodes, setting.gpus);
    const Played played = Play("whole-gpu", lines, setting);
    for (size_t i = 0; i < lines.size(); ++i) {
      const JobOutcome& job = played.outcome.jobs[i];
      ASSERT_EQ(job.done, expected[i] >= 0);
      if (!job.done) continue;
      ASSERT_EQ(job.start_time.time_since_epoch(), std::chrono::seconds(expected[i])) << i;
    }
  }
}

TEST(ClusterRejectionTest, AJobWiderThanANodeIsLeftOutAndSaysWhy) {
  Setting setting;
  setting.nodes = 2;
  setting.gpus = 2;
  const std::vector<Line> lines = {{0, 100, 300}, {0, 100, 200}};
  const auto rejection = [&](const char* policy) {
    setting.span = SpanNodes::kNo;
    const Played played = Play(policy, lines, setting);
    EXPECT_EQ(played.summary.jobs_left_out, 1) << policy;
    return played.outcome.first_rejection;
  };
  EXPECT_EQ(rejection("exclusive"),
            "job 1: 3 leaves of one profile are more than a node has; the largest possible number "
            "is 2");
  EXPECT_EQ(rejection("dynamic-drain"),
            "job 1: 3 leaves of one profile with 7 compute slices are more than a node has; the "
            "largest possible number is 2");
  EXPECT_EQ(rejection("dynamic-partial"),
            "job 1: 3 whole GPUs are more than a node has; the largest possible number is 2");
  EXPECT_EQ(rejection("flexmig"),
            "job 1: 21 leaves of one profile are more than a node has; the largest possible number "
            "is 14");
  setting.span = SpanNodes::kWide;
  for (const char* policy : {"exclusive", "static:7g.40gb", "dynamic-drain", "dynamic-partial",
                             "flexmig", "flexmig-rounded"}) {
    EXPECT_EQ(Play(policy, lines, setting).summary.jobs_left_out, 0) << policy;
  }
}

// With whole GPUs spread over the nodes no node would have two of them.
TEST(ClusterStaticTest, TheBestLayoutsKeepWholeGpusOnOneNode) {
  Setting setting;
  setting.nodes = 2;
  setting.gpus = 2;
  setting.speed.oversize = Oversize::kSame;
  std::vector<Line> lines(28, Line{0, 100, 14});
  lines.insert(lines.begin() + 14, Line{0, 100, 200});
  lines.insert(lines.begin(), Line{0, 100, 200});
  const SchemeContext context = setting.Context();
  const auto workload = MakeWorkload(Records(lines), Board(), 4, context.speeds, setting.workload);
  ASSERT_TRUE(workload.ok());
  const auto run = RunPolicy("static:best", *workload, context, "fifo");
  ASSERT_TRUE(run.ok()) << run.status().ToString();
  EXPECT_EQ(run->summary.jobs_left_out, 0);
  EXPECT_EQ(run->summary.makespan, std::chrono::seconds(200));
}

}  // namespace
}  // namespace flexmig::sim
