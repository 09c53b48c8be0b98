// The simulator runs the scheduler that it claims to run: its recorded log, also from text, replays
// to equal decisions.

#include <algorithm>

#include "flexmig/base/random.h"
#include "flexmig/sched/event_log_text.h"

#include "sim_for_test.h"

namespace flexmig::sim {
namespace {

class EventLogTest : public testing::TestWithParam<std::string> {};

TEST_P(EventLogTest, ASimulationsLogReplaysToEqualDecisions) {
  SplitMix64 random(20261122);
  for (const char* policy : {"flexmig", "dynamic-drain", "static:3g.20gb+2g.10gb+1g.5gb"}) {
    Setting setting;
    setting.gpus = 3;
    std::vector<Line> lines;
    int submit = 0;
    for (int i = 0; i < 150; ++i) {
      submit += static_cast<int>(random.NextBelow(60));
      lines.push_back({submit, static_cast<int>(random.NextBelow(300)),
                       1 + static_cast<int>(random.NextBelow(150))});
    }
    const SchemeContext context = setting.Context();
    const auto workload =
        MakeWorkload(Records(lines), Board(), setting.gpus, context.speeds, setting.workload);
    ASSERT_TRUE(workload.ok());
    const auto scheme = MakeScheme(policy, context);
    ASSERT_TRUE(scheme.ok());

    sched::Recording recording;
    recording.setup = {(*scheme)->Inventory(), "first-fit", GetParam(), {}};
    SimulationOptions options;
    options.event_log = &recording.log;
    const auto outcome =
        Simulate(*workload, **scheme, *sched::MakeQueuePolicy(GetParam()), options);
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    ASSERT_GE(recording.log.events.size(), 300U);

    const auto parsed = sched::ParseRecording(sched::FormatRecording(recording), "log");
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    auto scheduler = sched::MakeScheduler(parsed->setup);
    ASSERT_TRUE(scheduler.ok()) << scheduler.status().ToString();
    const auto replayed = sched::Replay(parsed->log, *scheduler);
    ASSERT_TRUE(replayed.ok()) << replayed.status().ToString();
    EXPECT_EQ(sched::FirstDifference(recording.log, *replayed), std::nullopt) << policy;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EventLogTest, testing::ValuesIn(sched::QueuePolicyNames()),
                         [](const auto& param_info) {
                           std::string name = param_info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace flexmig::sim
