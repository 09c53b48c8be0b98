#include "flexmig/simhw/sim_script.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace flexmig::simhw {
namespace {

using std::chrono::milliseconds;

constexpr mig::GpuIndex kGpu0(0);
constexpr mig::GpuIndex kGpu1(1);

SimScriptPlayer Play(std::string_view text) {
  auto script = ParseSimScript(text, "s");
  EXPECT_TRUE(script.ok()) << script.status().ToString();
  return SimScriptPlayer(script.ok() ? std::move(script).value() : SimScript());
}

TEST(SimScriptTest, AnEmptyScriptLeavesEverythingAlone) {
  auto player = Play("\n# nothing\n   \n");
  for (const SimOperation operation : kAllSimOperations) {
    const SimVerdict verdict = player.Next(operation, kGpu0);
    EXPECT_EQ(verdict.delay.count(), 0);
    EXPECT_EQ(verdict.fault, SimFault::kNone);
    EXPECT_FALSE(verdict.die_before || verdict.die_after);
  }
}

TEST(SimScriptTest, DelaysAddUp) {
  auto player = Play("delay create any 150ms\ndelay create-ci 1 1s # slow\n");
  EXPECT_EQ(player.Next(SimOperation::kCreateComputeInstance, kGpu0).delay, milliseconds(150));
  EXPECT_EQ(player.Next(SimOperation::kCreateComputeInstance, kGpu1).delay, milliseconds(1150));
  EXPECT_EQ(player.Next(SimOperation::kDestroyGpuInstance, kGpu1).delay, milliseconds(0));
}

TEST(SimScriptTest, SkipAndTimesCountTheMatchingCallsOnly) {
  auto player = Play("fail destroy-gi 0 busy skip=1 times=2\n");
  const auto fault = [&](mig::GpuIndex gpu) {
    return player.Next(SimOperation::kDestroyGpuInstance, gpu).fault;
  };
  EXPECT_EQ(fault(kGpu1), SimFault::kNone);
  EXPECT_EQ(fault(kGpu0), SimFault::kNone);
  EXPECT_EQ(fault(kGpu0), SimFault::kBusy);
  EXPECT_EQ(fault(kGpu1), SimFault::kNone);
  EXPECT_EQ(fault(kGpu0), SimFault::kBusy);
  EXPECT_EQ(fault(kGpu0), SimFault::kNone);
}

TEST(SimScriptTest, TheFirstFaultThatAppliesWins) {
  auto player = Play("fail any any lost times=1\nfail any any timeout\n");
  EXPECT_EQ(player.Next(SimOperation::kListGpus, std::nullopt).fault, SimFault::kLost);
  EXPECT_EQ(player.Next(SimOperation::kListGpus, std::nullopt).fault, SimFault::kTimeout);
}

TEST(SimScriptTest, DyingHasASide) {
  auto player = Play("die before create-ci any\ndie after create-gi any");
  const auto ci = player.Next(SimOperation::kCreateComputeInstance, kGpu0);
  EXPECT_TRUE(ci.die_before && !ci.die_after);
  const auto gi = player.Next(SimOperation::kCreateGpuInstance, kGpu0);
  EXPECT_TRUE(gi.die_after && !gi.die_before);
}

TEST(SimScriptTest, XidsComeWithTheirCall) {
  auto player = Play("xid 79 create-ci 0 gi=7 skip=1 times=1\nxid 31 any any times=1");
  const auto first = player.Next(SimOperation::kCreateComputeInstance, kGpu0);
  EXPECT_EQ(first.xids, (std::vector<SimXid>{{31, mig::GpuInstanceId(-1)}}));
  const auto second = player.Next(SimOperation::kCreateComputeInstance, kGpu0);
  EXPECT_EQ(second.xids, (std::vector<SimXid>{{79, mig::GpuInstanceId(7)}}));
  EXPECT_TRUE(player.Next(SimOperation::kCreateComputeInstance, kGpu0).xids.empty());
}

TEST(SimScriptTest, ChancesAndJitterRepeatWithTheSeed) {
  const std::string text = "seed 5\nfail destroy any busy chance=5%\ndelay any any 1ms jitter 9ms";
  auto first = Play(text);
  auto second = Play(text);
  int busy = 0;
  std::set<milliseconds> delays;
  for (int i = 0; i < 2000; ++i) {
    const auto a = first.Next(SimOperation::kDestroyGpuInstance, kGpu0);
    const auto b = second.Next(SimOperation::kDestroyGpuInstance, kGpu0);
    EXPECT_EQ(a.fault, b.fault);
    EXPECT_EQ(a.delay, b.delay);
    busy += a.fault == SimFault::kBusy ? 1 : 0;
    delays.insert(a.delay);
  }
  EXPECT_GT(busy, 60);  // 100 expected, standard deviation 10
  EXPECT_LT(busy, 140);
  EXPECT_EQ(*delays.begin(), milliseconds(1));
  EXPECT_EQ(*delays.rbegin(), milliseconds(9));
}

TEST(SimScriptTest, EveryErrorNamesItsPlace) {
  const std::string operations =
      "; there are any, list, create, destroy, list-gpus, query, list-gi, list-mig-devices, "
      "list-processes, set-mig-mode, create-gi, create-ci, destroy-ci, destroy-gi";
  const std::pair<const char*, std::string> cases[] = {
      {"sleep any any 1s", "s:1:1: no statement 'sleep'; there are seed, delay, fail, die and xid"},
      {"\n  delay", "s:2:8: an operation is missing"},
      {"delay creat any 1s", "s:1:7: no operation 'creat'" + operations},
      {"delay set any 1s", "s:1:7: no operation 'set'" + operations},
      {"delay any 1s", "s:1:11: '1s' is not a whole number from 0 to 31"},
      {"delay any 32 1s", "s:1:11: '32' is not a whole number from 0 to 31"},
      {"delay any any 150",
       "s:1:15: '150' is not a duration: expected a number and ms, s, min or h"},
      {"delay any any 1s times=2", "s:1:18: expected 'jitter', not 'times=2'"},
      {"delay any any 1s jitter", "s:1:24: a duration is missing"},
      {"delay any any 1s jitter 1s 1s", "s:1:28: '1s' is one word too many"},
      {"fail any any", "s:1:13: a fault is missing"},
      {"fail any any smoke",
       "s:1:14: no fault 'smoke'; there are busy, in-use, lost, no-permission, no-room, timeout, "
       "pretend"},
      {"fail any any busy 2", "s:1:19: no option '2'; there are skip=<n>, times=<n>, chance=<n>%"},
      {"fail any any busy gi=1",
       "s:1:19: no option 'gi'; there are skip=<n>, times=<n>, chance=<n>%"},
      {"xid", "s:1:4: an Xid number is missing"},
      {"xid 0 any any", "s:1:5: '0' is not a whole number from 1 to 999"},
      {"xid 79 any any gi=15", "s:1:16: '15' is not a whole number from 0 to 14"},
      {"xid 79 any any ci=0",
       "s:1:16: no option 'ci'; there are skip=<n>, times=<n>, chance=<n>%, gi=<id>"},
      {"fail any any busy times=0", "s:1:19: '0' is not a whole number from 1 to 1000000"},
      {"fail any any busy skip=", "s:1:19: '' is not a whole number from 0 to 1000000"},
      {"fail any any busy chance=5", "s:1:19: a chance ends in %, e.g. chance=5%"},
      {"fail any any busy chance=101%", "s:1:19: '101' is not a whole number from 0 to 100"},
      {"die any any", "s:1:5: expected 'before' or 'after', not 'any'"},
      {"seed 1\nseed 2", "s:2:1: a second seed"},
      {"seed -1", "s:1:6: '-1' is not a whole number from 0 to 9223372036854775807"},
      {"seed 1 2", "s:1:8: '2' is one word too many"},
  };
  for (const auto& [text, message] : cases) {
    const auto script = ParseSimScript(text, "s");
    EXPECT_EQ(script.status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(script.status().message(), message);
  }
}

TEST(SimScriptTest, EveryOperationAndFaultHasItsName) {
  std::string text;
  for (const SimOperation operation : kAllSimOperations) {
    text += "fail " + std::string(SimOperationName(operation)) + " any busy\n";
  }
  for (const char* fault :
       {"busy", "in-use", "lost", "no-permission", "no-room", "timeout", "pretend"}) {
    text += std::string("fail any 3 ") + fault + "\n";
  }
  const auto script = ParseSimScript(text, "s");
  ASSERT_TRUE(script.ok()) << script.status().ToString();
  for (size_t i = 0; i < std::size(kAllSimOperations); ++i) {
    EXPECT_EQ(script->rules[i].operations, std::vector{kAllSimOperations[i]});
  }
}

}  // namespace
}  // namespace flexmig::simhw
