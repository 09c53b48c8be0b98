#include "debug_log.h"

#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/base/file.h"

#include "environment.h"

namespace flexmig::nccl {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class DebugLogTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"NCCL_DEBUG", "NCCL_DEBUG_FILE", "NCCL_DEBUG_SUBSYS"}) {
      ::unsetenv(name);
    }
    ReloadLog();
  }
  void TearDown() override {
    SetUp();
    ::unlink(path_.c_str());
  }
  // What is written to the log while `messages` runs.
  template <typename Messages>
  std::string Written(const char* level, const char* subsystems, const Messages& messages) {
    ::unlink(path_.c_str());
    ::setenv("NCCL_DEBUG", level, 1);
    ::setenv("NCCL_DEBUG_FILE", (pattern_ + "%p").c_str(), 1);
    if (subsystems != nullptr) ::setenv("NCCL_DEBUG_SUBSYS", subsystems, 1);
    ReloadLog();
    messages();
    return ReadFile(path_).ok() ? *ReadFile(path_) : "";
  }

  const std::string pattern_ = testing::TempDir() + "nccl_debug_log_test.";
  const std::string path_ = pattern_ + std::to_string(::getpid());
};

void LogOneOfEach() {
  LogVersion();
  LogWarn(2, "a warning");
  LogInfo(Subsystem::kInit, 0, "about init");
  LogInfo(Subsystem::kCollective, -1, "about collectives");
  LogTrace(Subsystem::kInit, 0, "a trace");
}

TEST_F(DebugLogTest, LevelsIncludeThoseBefore) {
  EXPECT_EQ(Written("", nullptr, LogOneOfEach), "");
  EXPECT_EQ(Written("nonsense", nullptr, LogOneOfEach), "");
  EXPECT_THAT(Written("VERSION", nullptr, LogOneOfEach),
              MatchesRegex("NCCL version 2.28.9 [^\n]*\n"));
  const std::string warned = Written("warn", nullptr, LogOneOfEach);
  EXPECT_THAT(warned, MatchesRegex("NCCL version [^\n]*\n[^:\n]+:[0-9]+:[0-9]+ \\[2\\] NCCL WARN a "
                                   "warning\n"));
  const std::string informed = Written("INFO", nullptr, LogOneOfEach);
  EXPECT_THAT(informed, HasSubstr("[0] NCCL INFO about init\n"));
  EXPECT_THAT(informed, Not(HasSubstr("TRACE")));
  EXPECT_THAT(Written("TRACE", nullptr, LogOneOfEach), HasSubstr("[0] NCCL TRACE a trace\n"));
}

TEST_F(DebugLogTest, SubsystemsChoose) {
  const std::string default_ones = Written("INFO", nullptr, LogOneOfEach);
  EXPECT_THAT(default_ones, Not(HasSubstr("about collectives")));
  EXPECT_THAT(Written("INFO", "COLL", LogOneOfEach), Not(HasSubstr("about init")));
  EXPECT_THAT(Written("INFO", "coll,NoSuch", LogOneOfEach), HasSubstr(" NCCL INFO about coll"));
  EXPECT_THAT(Written("INFO", "ALL", LogOneOfEach), HasSubstr("about collectives"));
  EXPECT_THAT(Written("INFO", "^INIT", LogOneOfEach), Not(HasSubstr("about init")));
}

TEST_F(DebugLogTest, FileNameIsFilledIn) {
  EXPECT_EQ(LogFileName("/tmp/%h.%p.log", "node7", 42), "/tmp/node7.42.log");
  EXPECT_EQ(LogFileName("100%%.%q%", "node7", 42), "100%.%q%");
}

TEST(VariablesTest, HonouredOnesAreNotTold) {
  for (const char* const name : {"NCCL_DEBUG", "NCCL_DEBUG_FILE", "NCCL_COMM_BLOCKING",
                                 "NCCL_COMM_ID", "NCCL_SOCKET_IFNAME", "NCCL_CHECK_POINTERS"}) {
    EXPECT_EQ(WhyWithoutEffect(name), "") << name;
  }
}

TEST(VariablesTest, OthersAreToldWithTheReason) {
  EXPECT_THAT(WhyWithoutEffect("NCCL_HOSTID"), HasSubstr("one host"));
  EXPECT_THAT(WhyWithoutEffect("NCCL_P2P_DISABLE"), HasSubstr("host memory"));
  EXPECT_THAT(WhyWithoutEffect("NCCL_ALGO"), HasSubstr("FLEXMIG_ALGORITHM"));
  EXPECT_THAT(WhyWithoutEffect("NCCL_IB_HCA"), HasSubstr("no network"));
  EXPECT_THAT(WhyWithoutEffect("NCCL_SOCKET_NTHREADS"), HasSubstr("no network"));
  EXPECT_THAT(WhyWithoutEffect("NCCL_FROM_THE_FUTURE"), HasSubstr("does not know it"));
  ::setenv("NCCL_PROTO", "LL", 1);
  EXPECT_THAT(VariablesWithoutEffect(), testing::Contains(HasSubstr("NCCL_PROTO has no effect")));
  ::unsetenv("NCCL_PROTO");
}

TEST(SettingsTest, TimeoutIsReadStrictly) {
  ::setenv("FLEXMIG_TIMEOUT", "2s", 1);
  EXPECT_EQ(ReadSettings()->timeout, std::chrono::seconds(2));
  for (const char* const wrong : {"2", "soon", "0s"}) {
    ::setenv("FLEXMIG_TIMEOUT", wrong, 1);
    const auto refused = ReadSettings();
    EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(refused.status().message(), HasSubstr("FLEXMIG_TIMEOUT"));
  }
  ::unsetenv("FLEXMIG_TIMEOUT");
  EXPECT_EQ(ReadSettings()->timeout, std::chrono::minutes(30));
}

}  // namespace
}  // namespace flexmig::nccl
