#include "flexmig/sweep/run.h"

#include <atomic>
#include <filesystem>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/strings.h"

namespace flexmig::sweep {
namespace {

class SweepTest : public testing::Test {
 protected:
  SweepTest() : path_(testing::TempDir() + StrCat("run-", ::getpid(), ".jsonl")) {
    Grid grid;
    grid.traces = {"t"};
    grid.policies = {"exclusive"};
    for (uint64_t seed = 2; seed <= 40; ++seed) grid.seeds.push_back(seed);
    settings_ = SettingsOf(grid);
  }
  SweepTest(const SweepTest&) = delete;
  SweepTest& operator=(const SweepTest&) = delete;
  ~SweepTest() override { std::filesystem::remove(path_); }

  static RunResult ResultOf(const Setting& setting) {
    RunResult result;
    result.summary.makespan = sched::Duration(static_cast<int64_t>(setting.seed));
    return result;
  }
  // Goes on with the file as it is.
  Status Run(const SweepWork& work) {
    FLEXMIG_ASSIGN_OR_RETURN(ResultsWriter writer, ResultsWriter::Open(path_));
    FLEXMIG_ASSIGN_OR_RETURN(const Results known, ReadResults(path_));
    return RunSweep(settings_, known, writer, work);
  }
  void ExpectAll() {
    const auto results = ReadResults(path_);
    ASSERT_TRUE(results.ok()) << results.status().ToString();
    EXPECT_EQ(results->size(), settings_.size());
    for (const auto& [setting, result] : *results) {
      EXPECT_EQ(result.summary.makespan.count(), static_cast<int64_t>(setting.seed));
    }
  }

  const std::filesystem::path path_;
  std::vector<Setting> settings_;
};

TEST_F(SweepTest, MakesEveryRunOnceOverAllThreads) {
  std::atomic<int> runs = 0;
  SweepWork work;
  work.threads = 4;
  work.run = [&](const Setting& setting) -> Result<RunResult> {
    ++runs;
    return ResultOf(setting);
  };
  size_t last = 0;
  work.on_done = [&](size_t done, size_t total) {
    EXPECT_EQ(done, ++last);
    EXPECT_EQ(total, settings_.size());
    return true;
  };
  ASSERT_EQ(Run(work), OkStatus());
  ExpectAll();
  ASSERT_EQ(Run(work), OkStatus());
  EXPECT_EQ(runs, static_cast<int>(settings_.size())) << "nothing is done again";
}

TEST_F(SweepTest, GoesOnAfterItWasEnded) {
  std::multiset<uint64_t> made;
  SweepWork work;
  work.run = [&](const Setting& setting) -> Result<RunResult> {
    made.insert(setting.seed);
    return ResultOf(setting);
  };
  work.on_done = [&](size_t done, size_t) { return done != 13; };
  EXPECT_EQ(Run(work).code(), StatusCode::kAborted);
  EXPECT_EQ(made.size(), 13u);
  work.on_done = nullptr;
  ASSERT_EQ(Run(work), OkStatus());
  ExpectAll();
  for (const Setting& setting : settings_) EXPECT_EQ(made.count(setting.seed), 1u);
}

TEST_F(SweepTest, GoesOnAfterItWasKilled) {
  for (int kills = 0; kills < 5; ++kills) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      SweepWork work;
      work.run = [&](const Setting& setting) -> Result<RunResult> { return ResultOf(setting); };
      int made = 0;
      work.on_done = [&](size_t, size_t) {
        if (++made == 5) ::kill(::getpid(), SIGKILL);
        return true;
      };
      static_cast<void>(Run(work));
      ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }
  EXPECT_EQ(ReadResults(path_)->size(), 25u);
  SweepWork work;
  work.run = [&](const Setting& setting) -> Result<RunResult> { return ResultOf(setting); };
  ASSERT_EQ(Run(work), OkStatus());
  ExpectAll();
}

TEST_F(SweepTest, AFailedRunEndsItAndIsNamed) {
  SweepWork work;
  work.run = [&](const Setting& setting) -> Result<RunResult> {
    if (setting.seed == 5) return InvalidArgumentError("no such thing");
    return ResultOf(setting);
  };
  const Status status = Run(work);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), testing::HasSubstr("t, 8 x a100-40, exclusive"));
  EXPECT_EQ(ReadResults(path_)->size(), 4u);
}

}  // namespace
}  // namespace flexmig::sweep
