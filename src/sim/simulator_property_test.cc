// Random workloads under every scheme and queue policy. Simulate checks its own invariants in each
// run; what can be said of the result from outside is checked here.

#include <algorithm>
#include <tuple>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

std::vector<trace::JobRecord> RandomRecords(SplitMix64& random) {
  std::vector<Line> lines;
  int submit = 0;
  const auto jobs = 1 + random.NextBelow(120);
  for (uint64_t i = 0; i < jobs; ++i) {
    submit += static_cast<int>(random.NextBelow(40));
    const bool wide = random.NextBelow(8) == 0;
    lines.push_back({submit, static_cast<int>(random.NextBelow(300)),
                     wide ? 100 * (1 + static_cast<int>(random.NextBelow(4)))
                          : 1 + static_cast<int>(random.NextBelow(100))});
  }
  return Records(lines);
}

using Case = std::tuple<std::string, std::string>;
class SimulatorPropertyTest : public testing::TestWithParam<Case> {};

TEST_P(SimulatorPropertyTest, EveryRunIsLawfulAndRepeatable) {
  const auto& [policy, queue] = GetParam();
  SplitMix64 random(20261122);
  for (int round = 0; round < 25; ++round) {
    Setting setting;
    setting.gpus = 1 + static_cast<int>(random.NextBelow(4));
    setting.queue = queue;
    setting.communication.efficiency = 900'000;
    setting.speed.mig_off.reset();
    const auto records = RandomRecords(random);
    const auto played = TryPlay(policy, records, setting);
    ASSERT_TRUE(played.ok()) << played.status().ToString();
    const auto again = TryPlay(policy, records, setting);
    ASSERT_TRUE(again.ok());
    ASSERT_EQ(played->outcome.jobs, again->outcome.jobs);

    ASSERT_EQ(played->outcome.jobs.size(), records.size());
    const bool fits_all = policy != "static:4g.20gb+2g.10gb+1g.5gb";
    sched::TimePoint last_start = sched::TimePoint::min();
    for (size_t i = 0; i < records.size(); ++i) {
      const JobOutcome& job = played->outcome.jobs[i];
      const bool possible = records[i].num_gpus <= setting.gpus;
      if (fits_all) {
        ASSERT_EQ(job.done, possible);
      }
      if (!job.done) continue;
      ASSERT_GE(job.start_time, records[i].submit_time);
      ASSERT_GE(job.finish_time, job.start_time);
      ASSERT_GE(job.held_slices, played->workload.jobs[i].slices);
      if (queue == "fifo") {
        ASSERT_GE(job.start_time, last_start) << "strict fifo starts in order of submission";
        last_start = job.start_time;
      }
    }
    const Summary& summary = played->summary;
    ASSERT_LE(summary.held_utilisation, 1 + 1e-9);
    ASSERT_LE(summary.asked_utilisation, summary.held_utilisation + 1e-9);
    ASSERT_EQ(summary.jobs_done + summary.jobs_left_out, static_cast<int64_t>(records.size()));
    if (summary.jobs_done > 0) {
      ASSERT_LE(summary.median_jct, summary.p95_jct);
      ASSERT_GE(summary.mean_jct_s, summary.mean_wait_s);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SimulatorPropertyTest,
    testing::Combine(testing::Values("whole-gpu", "exclusive", "static:7g.40gb",
                                     "static:4g.20gb+2g.10gb+1g.5gb", "dynamic-drain", "flexmig"),
                     testing::ValuesIn(sched::QueuePolicyNames())),
    [](const auto& param_info) {
      std::string name = StrCat(std::get<0>(param_info.param), "_", std::get<1>(param_info.param));
      std::replace_if(
          name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
      return name;
    });

}  // namespace
}  // namespace flexmig::sim
