// Launchers that share nothing but a folder decide as one scheduler, and their log replays.

#include "flexmig/agent/run_log.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/io.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/sched/event_log_text.h"

namespace flexmig::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kLeaves = 14;

sched::SchedulerSetup TwoGpus() {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  sched::SchedulerSetup setup;
  setup.inventory = mig::NodeInventory::Uniform(model, 2, *mig::UniformLayout(model, "1g.5gb"));
  setup.allocation_policy = "pack";
  return setup;
}

sched::Job MakeJob(const std::string& id, int leaves) {
  sched::Job job;
  job.id = JobId(id);
  job.request.leaf_count = leaves;
  return job;
}

sched::TimePoint WallClock() {
  return sched::TimePoint(std::chrono::duration_cast<sched::Duration>(
      std::chrono::system_clock::now().time_since_epoch()));
}

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = Deadline::After(seconds(20));
  while (!condition()) {
    if (deadline.HasPassed()) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

class RunLogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "flexmig-runlog-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    for (const pid_t child : children_) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] std::filesystem::path LogPath() const { return folder_ / "events"; }

  // As `flexmig run` does. The log outlives the returned lease's acquisition only.
  Result<Lease> Acquire(const std::string& job, int leaves,
                        std::optional<Deadline> wait_until = Deadline::After(seconds(20))) const {
    FLEXMIG_ASSIGN_OR_RETURN(const LeaseStore store, LeaseStore::Open(folder_ / "leases"));
    FLEXMIG_ASSIGN_OR_RETURN(RunLog log, RunLog::Create(LogPath(), TwoGpus()));
    const sched::Job wanted = MakeJob(job, leaves);
    LeaseRequest request;
    request.job = JobId(job);
    request.decide = [&](const LeaseSight& sight) {
      return log.Decide(wanted, sight, WallClock());
    };
    request.wait_until = wait_until;
    return store.Acquire(request);
  }

  // A launcher in a process of its own, which holds its leaves for some time. It writes
  // "held <job> <uuid>..." to a file of its name before it lets go.
  pid_t Launch(const std::string& job, int leaves, milliseconds hold) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      auto lease = Acquire(job, leaves);
      if (!lease.ok()) ::_exit(1);
      std::string text;
      for (const mig::MigUuid& leaf : lease->leaves()) text += leaf.value() + "\n";
      if (!WriteFileAtomically(folder_ / ("held-" + job), text).ok()) ::_exit(2);
      std::this_thread::sleep_for(hold);
      lease->Release();
      ::_exit(0);
    }
    children_.push_back(child);
    return child;
  }

  void Wait(pid_t child) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    std::erase(children_, child);
  }

  // The log as it is, replayed through a new scheduler: no decision differs, and every launcher
  // held what the log says.
  void CheckReplay(sched::EventLog* events = nullptr) const {
    const auto text = ReadFile(LogPath());
    ASSERT_TRUE(text.ok());
    const auto recording = sched::ParseRecording(*text, "events");
    ASSERT_TRUE(recording.ok()) << recording.status().ToString();
    auto scheduler = sched::MakeScheduler(recording->setup);
    ASSERT_TRUE(scheduler.ok());
    const auto replayed = sched::Replay(recording->log, *scheduler);
    ASSERT_TRUE(replayed.ok()) << replayed.status().ToString() << "\n" << *text;
    EXPECT_EQ(sched::FirstDifference(recording->log, *replayed), std::nullopt);
    std::map<std::string, std::string> started;
    for (const sched::Event& event : recording->log.events) {
      const auto* tick = std::get_if<sched::TickEvent>(&event.what);
      if (tick == nullptr) continue;
      for (const sched::Decision& decision : tick->decisions) {
        const auto* start = std::get_if<sched::StartJob>(&decision);
        if (start == nullptr) continue;
        std::string& leaves = started[start->job.value()];
        for (const mig::LeafId leaf : start->allocation.leaves) {
          leaves +=
              recording->setup.inventory.leaves[static_cast<size_t>(leaf.value())].uuid.value();
          leaves += "\n";
        }
      }
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("held-")) continue;
      const auto held = ReadFile(entry.path());
      ASSERT_TRUE(held.ok());
      EXPECT_EQ(started[name.substr(5)], *held) << name;
    }
    if (events != nullptr) *events = recording->log;
  }

  std::filesystem::path folder_;
  std::vector<pid_t> children_;
};

TEST_F(RunLogTest, ALeaseIsWhatTheSchedulerDecidedAndItsEndIsSeenByTheNext) {
  auto first = Acquire("a", 9);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->leaves().size(), 9U);
  EXPECT_EQ(Acquire("b", 6, std::nullopt).status().code(), StatusCode::kResourceExhausted);
  first->Release();
  auto second = Acquire("b", 6, std::nullopt);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  sched::EventLog events;
  CheckReplay(&events);
  std::vector<std::string> lines;  // without times and leaves
  for (const sched::Event& event : events.events) {
    const std::string line = sched::FormatEvent(event);
    const size_t begin = line.find(' ') + 1;
    const size_t leaves = line.find(' ', std::min(line.find("start "), line.size() - 6) + 6);
    lines.push_back(line.substr(begin, std::min(leaves, line.size()) - begin));
  }
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "submit a leaves=9", "tick max=1 start a", "submit b leaves=6", "tick max=1",
                       "finish-ok a", "cancel b", "submit b leaves=6", "tick max=1 start b"}));
}

TEST_F(RunLogTest, WhatCanNeverRunIsRefusedAtOnceAlsoBehindOthers) {
  auto holder = Acquire("holder", 14);
  ASSERT_TRUE(holder.ok());
  const pid_t waiter = Launch("waiter", 14, milliseconds(1));
  ASSERT_TRUE(Eventually([&] { return !std::filesystem::is_empty(folder_ / "leases/queue"); }));
  const auto refused = Acquire("huge", 15);
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  holder->Release();
  Wait(waiter);
  CheckReplay();
}

TEST_F(RunLogTest, LeavesOfOthersAreLostUntilTheyAreBack) {
  const auto store = LeaseStore::Open(folder_ / "leases");
  ASSERT_TRUE(store.ok());
  LeaseRequest foreign;
  foreign.job = JobId("flexmig-apply");
  foreign.pass_the_queue = true;
  foreign.choose = [](const BusyLeaves&) -> Result<std::vector<mig::MigUuid>> {
    return std::vector<mig::MigUuid>{TwoGpus().inventory.leaves[3].uuid};
  };
  auto taken = store->Acquire(foreign);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(Acquire("a", 14, std::nullopt).status().code(), StatusCode::kResourceExhausted);
  taken->Release();
  EXPECT_TRUE(Acquire("a", 14, std::nullopt).ok());
  CheckReplay();
}

TEST_F(RunLogTest, ALineThatWasCutShortIsCutOffByTheNextWriter) {
  ASSERT_TRUE(Acquire("a", 3).ok());
  const UniqueFd fd(::open(LogPath().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  ASSERT_TRUE(WriteAll(fd.get(), "123 subm", 8).ok());
  ASSERT_TRUE(Acquire("b", 3).ok());
  CheckReplay();
}

TEST_F(RunLogTest, ALogOfAnotherSetupOrAForgedDecisionIsRefused) {
  ASSERT_TRUE(Acquire("a", 3).ok());
  sched::SchedulerSetup other = TwoGpus();
  other.allocation_policy = "spread";
  auto log = RunLog::Create(LogPath(), other);
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log->Decide(MakeJob("b", 1), {}, WallClock()).status().code(),
            StatusCode::kFailedPrecondition);
  auto text = ReadFile(LogPath());
  ASSERT_TRUE(text.ok());
  const size_t at = text->find("start a ");
  ASSERT_NE(at, std::string::npos);
  const size_t end = text->find('\n', at);
  text->replace(at, end - at, "start a 0,2,4");
  ASSERT_TRUE(WriteFileAtomically(LogPath(), *text).ok());
  EXPECT_EQ(Acquire("c", 3).status().code(), StatusCode::kDataLoss);
}

TEST_F(RunLogTest, ManyLaunchersOfWhichSomeAreKilledOrStoppedReplayToEqualDecisions) {
  SplitMix64 random(20261122);
  std::vector<pid_t> launchers;
  for (int i = 0; i < 24; ++i) {
    launchers.push_back(Launch(StrCat("j", i), 1 + static_cast<int>(random.NextBelow(9)),
                               milliseconds(random.NextBelow(40))));
    std::this_thread::sleep_for(milliseconds(random.NextBelow(8)));
    if (i % 6 == 3) ::kill(launchers[random.NextBelow(launchers.size())], SIGKILL);
    if (i == 10) ::kill(launchers[8], SIGSTOP);
    if (i == 20) ::kill(launchers[8], SIGCONT);
  }
  ::kill(launchers[8], SIGCONT);
  for (const pid_t launcher : launchers) Wait(launcher);
  auto last = Acquire("last", kLeaves);
  ASSERT_TRUE(last.ok()) << last.status().ToString();
  CheckReplay();
}

}  // namespace
}  // namespace flexmig::agent
