// A layout is applied while one call of the backend fails, and every kind of call has its turn.
// What is reported must be true, and the next apply must finish the work.

#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/partition/apply.h"

#include "stand.h"

namespace flexmig::contract {
namespace {

using std::chrono::milliseconds;
using Kind = partition::GpuOutcome::Kind;

constexpr mig::GpuIndex kGpu(0);
constexpr const char* kFaults[] = {"busy",    "in-use",  "lost",   "no-permission",
                                   "no-room", "timeout", "pretend"};

std::string LayoutOf(Stand& stand) {
  const auto instances = stand.world().ListGpuInstances(kGpu);
  const auto devices = stand.world().ListMigDevices(kGpu);
  mig::MigLayout layout;
  for (const hw::GpuInstance& instance : *instances) layout.push_back(instance.placed);
  std::ranges::sort(layout);
  const size_t bare = instances->size() - devices->size();
  return StrCat(mig::DescribeLayout(stand.model(), layout), ", ", bare, " without MIG device");
}

class ApplyFaultsTest : public ::testing::TestWithParam<Front> {
 protected:
  // From two halves to four quarters of an A30, with `rule` in force.
  static void Try(const std::string& rule) {
    SCOPED_TRACE(rule);
    nvml::NvmlOptions impatient;
    impatient.retry_for = milliseconds(20);
    Stand stand(GetParam(), "a30x1", rule, impatient);
    partition::ApplyOptions options;
    options.state_directory = stand.folder() / "partition";
    options.retry_for = milliseconds(20);
    const auto apply = [&](hw::MigBackend& backend, const mig::ProfileCounts& counts) {
      return partition::Apply(backend, {{kGpu, true, counts}}, options);
    };
    const mig::ProfileCounts wanted{{"1g.6gb", 4}};
    ASSERT_TRUE(apply(stand.world(), {{"2g.12gb", 2}}).status.ok());
    const std::string before = LayoutOf(stand);

    const partition::ApplyReport report = apply(stand.backend(), wanted);
    const std::string after = LayoutOf(stand);
    const Kind kind = report.gpus.empty() ? Kind::kNotTried : report.gpus[0].kind;
    const std::string done = "4 x 1g.6gb, 0 without MIG device";
    if (report.status.ok()) {
      EXPECT_EQ(after, done);
    } else if (kind == Kind::kRolledBack || kind == Kind::kNotTried) {
      EXPECT_EQ(after, before) << report.status.ToString();
    }
    const partition::ApplyReport again = apply(stand.backend(), wanted);
    EXPECT_TRUE(again.status.ok())
        << again.status.ToString() << ", after " << report.status.ToString();
    EXPECT_EQ(LayoutOf(stand), done);
  }
};

TEST_P(ApplyFaultsTest, EveryChangingCallFailsInTurn) {
  for (const char* operation : {"destroy-ci", "destroy-gi", "create-gi", "create-ci"}) {
    const int calls = std::string(operation).starts_with("destroy") ? 2 : 4;
    for (int skip = 0; skip < calls; ++skip) {
      for (const char* fault : kFaults) {
        Try(StrCat("fail ", operation, " any ", fault, " skip=", skip, " times=1"));
        ASSERT_FALSE(HasFailure());
      }
    }
  }
}

// Through the ABI an apply makes some hundreds of calls; a sample of them has to do.
TEST_P(ApplyFaultsTest, AnyCallFails) {
  SplitMix64 random(5);
  const uint64_t calls = GetParam() == Front::kAbi ? 1500 : 60;
  for (int round = 0; round < 60; ++round) {
    const char* fault = kFaults[random.NextBelow(std::size(kFaults))];
    Try(StrCat("fail any any ", fault, " skip=", random.NextBelow(calls), " times=1"));
    ASSERT_FALSE(HasFailure());
  }
}

INSTANTIATE_TEST_SUITE_P(Simulated, ApplyFaultsTest,
                         ::testing::Values(Front::kInProcess, Front::kAbi),
                         [](const auto& test) { return std::string(FrontName(test.param)); });

}  // namespace
}  // namespace flexmig::contract
