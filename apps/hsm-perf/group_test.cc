#include "group.h"

#include <chrono>
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/process.h"

#include "flexmig_backend.h"

namespace flexmig::perf {
namespace {

GroupConfig SmallConfig() {
  GroupConfig config;
  config.max_bytes = 32;
  config.time = std::chrono::milliseconds(1);
  config.patience = std::chrono::seconds(20);
  config.pin = false;
  return config;
}

Deadline SoonEnough() { return Deadline::After(std::chrono::seconds(30)); }

Library Doing(std::function<Status(const Membership&)> before) {
  return {"double", "", {}, [before](const Membership& membership, const GroupConfig& config) {
            const Status status = before(membership);
            if (!status.ok()) return Result<std::unique_ptr<Backend>>(status);
            return MakeFlexmigBackend(membership, config);
          }};
}

TEST(GroupTest, MeasuresEverySizeInBothPlaces) {
  const GroupResult result = RunGroup(SmallConfig(), FlexmigLibrary(), SoonEnough());
  ASSERT_TRUE(result.status.ok()) << result.status.message();
  ASSERT_EQ(result.points.size(), 4u);
  EXPECT_EQ(result.points[0].bytes, 8u);
  EXPECT_FALSE(result.points[0].in_place);
  EXPECT_TRUE(result.points[1].in_place);
  EXPECT_EQ(result.points[2].bytes, 32u);
  for (const Point& point : result.points) {
    EXPECT_EQ(point.wrong, 0u);
    EXPECT_GE(point.calls, 1u);
    EXPECT_GT(point.min_us, 0);
    EXPECT_LE(point.min_us, point.median_us);
    EXPECT_LE(point.median_us, point.p99_us);
  }
  EXPECT_THAT(result.version, testing::StartsWith("Flex-MIG "));
}

TEST(GroupTest, TimesTheNumberOfCallsAskedFor) {
  GroupConfig config = SmallConfig();
  config.max_bytes = 8;
  config.iterations = 7;
  for (const bool back_to_back : {false, true}) {
    config.back_to_back = back_to_back;
    const GroupResult result = RunGroup(config, FlexmigLibrary(), SoonEnough());
    ASSERT_TRUE(result.status.ok()) << result.status.message();
    for (const Point& point : result.points) EXPECT_EQ(point.calls, 7u);
  }
}

TEST(GroupTest, EveryCollectiveThatIsOfferedIsRight) {
  GroupConfig config = SmallConfig();
  config.ranks = 3;
  config.max_bytes = 1 << 16;
  config.factor = 1 << 13;
  config.root = 1;
  config.type = reduce::DataType::kBfloat16;
  for (const Collective collective : kAllCollectives) {
    config.collective = collective;
    config.fresh = !config.fresh;  // writes to the input must not change it
    const GroupResult result = RunGroup(config, FlexmigLibrary(), SoonEnough());
    if (result.status.code() == StatusCode::kUnimplemented) continue;
    ASSERT_TRUE(result.status.ok()) << result.status.message();
    EXPECT_FALSE(result.points.empty());
    for (const Point& point : result.points) {
      EXPECT_EQ(point.wrong, 0u) << CollectiveName(collective) << " of " << point.bytes;
    }
  }
}

TEST(GroupTest, AKilledRankIsNamed) {
  const auto library = Doing([](const Membership& membership) {
    if (membership.rank == 1) ::kill(::getpid(), SIGKILL);
    return OkStatus();
  });
  const GroupResult result = RunGroup(SmallConfig(), library, SoonEnough());
  EXPECT_EQ(result.status.code(), StatusCode::kAborted);
  EXPECT_THAT(result.status.message(), testing::HasSubstr("rank 1 was ended by signal 9"));
  EXPECT_TRUE(DescendantsOf(::getpid()).empty());
}

TEST(GroupTest, AFailingRanksErrorIsPassedOn) {
  const auto library = Doing([](const Membership& membership) {
    return membership.rank == 1 ? ResourceExhaustedError("no room at all") : OkStatus();
  });
  const GroupResult result = RunGroup(SmallConfig(), library, SoonEnough());
  EXPECT_EQ(result.status, ResourceExhaustedError("double: rank 1: no room at all"));
  EXPECT_TRUE(DescendantsOf(::getpid()).empty());
}

TEST(GroupTest, AHangingRankEndsAtTheDeadlineAndLeavesNobody) {
  const auto library = Doing([](const Membership& membership) {
    if (membership.rank == 1) ::pause();
    return OkStatus();
  });
  const auto start = std::chrono::steady_clock::now();
  const GroupResult result =
      RunGroup(SmallConfig(), library, Deadline::After(std::chrono::milliseconds(300)));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(result.status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_GE(took, std::chrono::milliseconds(300));
  EXPECT_LE(took, std::chrono::seconds(10));
  EXPECT_TRUE(DescendantsOf(::getpid()).empty());
}

TEST(GroupTest, AMissingProgramIsAnError) {
  const Library missing{"missing", "/nonexistent/program", {}, nullptr};
  const GroupResult result = RunGroup(SmallConfig(), missing, SoonEnough());
  EXPECT_EQ(result.status.code(), StatusCode::kAborted);
  EXPECT_THAT(result.status.message(), testing::HasSubstr("/nonexistent/program"));
}

}  // namespace
}  // namespace flexmig::perf
