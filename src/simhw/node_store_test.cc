#include "flexmig/simhw/node_store.h"

#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::simhw {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr mig::GpuInstanceId kWhole(hw::kNoInstance);

class NodeStoreTest : public ::testing::Test {
 protected:
  NodeStoreTest()
      : directory_(std::filesystem::temp_directory_path() / ("flexmig-store-" + RandomHex(8))) {}
  NodeStoreTest(const NodeStoreTest&) = delete;
  NodeStoreTest& operator=(const NodeStoreTest&) = delete;
  ~NodeStoreTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] NodeStore Open(milliseconds lock_wait = milliseconds(20000)) const {
    return {*FindNodeSpec("a30x2"), directory_, lock_wait};
  }

  const std::filesystem::path directory_;
};

// The number of processes on GPU 0, which the tests use as a counter.
size_t Count(NodeStore& store) {
  const auto state = store.Read();
  EXPECT_TRUE(state.ok()) << state.status().ToString();
  return state.ok() ? state->front().state().processes.size() : 0;
}

size_t Count(NodeStore&& store) { return Count(store); }

Status CountUp(NodeStore& store) {
  return store.Change([](NodeState& state) {
    const auto next = static_cast<pid_t>(state[0].state().processes.size() + 1);
    return state[0].AttachProcess({next, 1, kWhole});
  });
}

// Runs `work` in a child process.
pid_t Fork(const std::function<void()>& work) {
  const pid_t child = ::fork();
  EXPECT_GE(child, 0);
  if (child == 0) {
    work();
    ::_exit(0);
  }
  return child;
}

int WaitFor(pid_t child) {
  int wait_status = -1;
  EXPECT_EQ(::waitpid(child, &wait_status, 0), child);
  return wait_status;
}

TEST_F(NodeStoreTest, ReadingAnUntouchedNodeCreatesNothing) {
  EXPECT_EQ(Count(Open()), 0U);
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

TEST_F(NodeStoreTest, AChangeIsSeenByEveryStoreOnTheDirectory) {
  NodeStore writer = Open();
  NodeStore reader = Open();
  EXPECT_TRUE(CountUp(writer).ok());
  EXPECT_EQ(Count(reader), 1U);
}

TEST_F(NodeStoreTest, ARefusedChangeLeavesTheFileAsItWas) {
  NodeStore store = Open();
  ASSERT_TRUE(CountUp(store).ok());
  const auto before = ReadFile(directory_ / "node.json");
  const Status status = store.Change([](NodeState& state) -> Status {
    FLEXMIG_RETURN_IF_ERROR(state[1].AttachProcess({5, 1, kWhole}));
    return FailedPreconditionError("no");
  });
  EXPECT_EQ(status.message(), "no");
  EXPECT_EQ(*ReadFile(directory_ / "node.json"), *before);
}

TEST_F(NodeStoreTest, WithoutADirectoryTheStateIsTheObjectsOwn) {
  NodeStore one(*FindNodeSpec("a30x2"), {}, milliseconds(0));
  NodeStore other(*FindNodeSpec("a30x2"), {}, milliseconds(0));
  EXPECT_TRUE(CountUp(one).ok());
  EXPECT_EQ(Count(one), 1U);
  EXPECT_EQ(Count(other), 0U);
}

TEST_F(NodeStoreTest, AFileThatIsNoStateIsNeitherReadNorOverwritten) {
  NodeStore store = Open();
  ASSERT_TRUE(CountUp(store).ok());
  ASSERT_TRUE(WriteFileAtomically(directory_ / "node.json", "{\n  ]").ok());
  EXPECT_EQ(store.Read().status().code(), StatusCode::kDataLoss);
  const Status status = CountUp(store);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_THAT(status.message(), HasSubstr((directory_ / "node.json").native() + ":2:3: "));
  EXPECT_EQ(*ReadFile(directory_ / "node.json"), "{\n  ]");
}

TEST_F(NodeStoreTest, ASecondWriterGivesUpInTimeAndNamesTheFirst) {
  NodeStore store = Open(milliseconds(50));
  ASSERT_TRUE(CountUp(store).ok());
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t holder = Fork([&] {
    const auto lock = FileLock::TryAcquire(directory_ / "lock");
    static_cast<void>(::write(ready[1], lock.ok() ? "y" : "n", 1));
    std::this_thread::sleep_for(std::chrono::seconds(60));
  });
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  const auto begin = std::chrono::steady_clock::now();
  const Status status = CountUp(store);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(Count(store), 1U);  // a reader does not wait
  ::kill(holder, SIGKILL);
  WaitFor(holder);
  EXPECT_EQ(status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(status.message(), HasSubstr(StrCat("process ", holder)));
  EXPECT_GE(took, milliseconds(50));
  EXPECT_LT(took, milliseconds(5000));
  EXPECT_TRUE(CountUp(store).ok());  // the dead holder's lock is free
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(NodeStoreTest, NoChangeOfTwoProcessesIsLost) {
  constexpr int kRounds = 60;
  const auto hammer = [&] {
    NodeStore store = Open();
    for (int i = 0; i < kRounds; ++i) {
      if (!CountUp(store).ok()) ::_exit(1);
    }
  };
  const pid_t children[] = {Fork(hammer), Fork(hammer)};
  for (const pid_t child : children) EXPECT_EQ(WaitFor(child), 0);
  EXPECT_EQ(Count(Open()), 2U * kRounds);
}

// Kills a writer at arbitrary points of its work: what it leaves is always the state before or
// after a change, and never fewer changes than it had seen acknowledged.
TEST_F(NodeStoreTest, AKilledWriterLeavesAStateThatLoads) {
  SplitMix64 random(4);
  NodeStore store = Open();
  size_t count = 0;
  for (int round = 0; round < 60; ++round) {
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t writer = Fork([&] {
      NodeStore own = Open();
      while (CountUp(own).ok()) {
        if (::write(acknowledged[1], "+", 1) != 1) break;
      }
    });
    ::close(acknowledged[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(random.NextBelow(8000)));
    ::kill(writer, SIGKILL);
    WaitFor(writer);
    size_t seen = 0;
    for (char c = 0; ::read(acknowledged[0], &c, 1) == 1;) ++seen;
    ::close(acknowledged[0]);
    const size_t now = Count(store);
    EXPECT_GE(now, count + seen);
    EXPECT_LE(now, count + seen + 1);
    count = now;
    if (count > 200) {  // keep the file, and with it the time of a write, small
      ASSERT_TRUE(store
                      .Change([](NodeState& state) {
                        state[0].DropProcesses([](const SimProcess&) { return false; });
                        return OkStatus();
                      })
                      .ok());
      count = 0;
    }
  }
  EXPECT_TRUE(CountUp(store).ok());
}

}  // namespace
}  // namespace flexmig::simhw
