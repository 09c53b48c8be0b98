#include "flexmig/agent/lease_store.h"

#include <csignal>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

mig::MigUuid Leaf(int index) { return mig::MigUuid(StrCat("MIG-leaf-", index)); }

// The first `count` of `total` leaves that are free, lowest first.
auto FirstFree(int count, int total) {
  return [count, total](const BusyLeaves& busy) -> Result<std::vector<mig::MigUuid>> {
    std::vector<mig::MigUuid> chosen;
    for (int i = 0; i < total && std::ssize(chosen) < count; ++i) {
      if (!busy.contains(Leaf(i))) chosen.push_back(Leaf(i));
    }
    if (std::ssize(chosen) < count) return ResourceExhaustedError(StrCat(count, " do not fit"));
    return chosen;
  };
}

auto Exactly(const std::vector<mig::MigUuid>& leaves) {
  return [leaves](const BusyLeaves& busy) -> Result<std::vector<mig::MigUuid>> {
    for (const auto& leaf : leaves) {
      if (busy.contains(leaf)) return ResourceExhaustedError("busy");
    }
    return leaves;
  };
}

LeaseRequest NoWait(std::function<Result<std::vector<mig::MigUuid>>(const BusyLeaves&)> choose) {
  return {.job = JobId("job"), .command = "true", .choose = std::move(choose)};
}

LeaseRequest Waiting(std::function<Result<std::vector<mig::MigUuid>>(const BusyLeaves&)> choose,
                     milliseconds time) {
  LeaseRequest request = NoWait(std::move(choose));
  request.wait_until = Deadline::After(time);
  return request;
}

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = Deadline::After(seconds(20));
  while (!condition()) {
    if (deadline.HasPassed()) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

class LeaseStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "flexmig-lease-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    for (const pid_t child : children_) Kill(child);
    std::filesystem::remove_all(folder_);
  }

  LeaseStore Open(milliseconds lock_timeout = seconds(10)) {
    return std::move(LeaseStore::Open(folder_, lock_timeout)).value();
  }

  // Runs `body` in a child whose exit status is its result.
  pid_t Fork(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    children_.push_back(child);
    return child;
  }
  void Kill(pid_t child) {
    if (std::erase(children_, child) == 0) return;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  int ExitStatusOf(pid_t child) {
    int status = -1;
    const bool ended = Eventually([&] { return ::waitpid(child, &status, WNOHANG) == child; });
    if (ended) std::erase(children_, child);
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  size_t FilesIn(const char* sub) {
    const auto entries = std::filesystem::directory_iterator(folder_ / sub);
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }
  // A child that holds the leaves from now until it is killed.
  pid_t Holder(std::vector<mig::MigUuid> leaves) {
    const pid_t child = Fork([this, leaves] {
      const auto lease = Open().Acquire(NoWait(Exactly(leaves)));
      ::pause();
      return lease.ok() ? 0 : 1;
    });
    EXPECT_TRUE(Eventually([&] { return Open().Snapshot()->contains(leaves.back()); }));
    return child;
  }
  // A child that queues for the leaves, appends `name` to "order", and ends. Returns once it is in
  // the queue.
  pid_t Waiter(const std::vector<mig::MigUuid>& leaves, char name) {
    const size_t before = FilesIn("queue");
    const pid_t child = Fork([this, leaves, name] {
      const auto lease = Open().Acquire(Waiting(Exactly(leaves), seconds(20)));
      const int fd = ::open((folder_ / "order").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      const bool written = ::write(fd, &name, 1) == 1;
      return lease.ok() && written ? 0 : 1;
    });
    EXPECT_TRUE(Eventually([&] { return FilesIn("queue") > before; }));
    return child;
  }

  std::filesystem::path folder_;
  std::vector<pid_t> children_;
};

TEST_F(LeaseStoreTest, SnapshotNamesTheHolder) {
  const auto store = Open();
  EXPECT_THAT(*store.Snapshot(), IsEmpty());
  LeaseRequest request = NoWait(FirstFree(2, 4));
  request.job = JobId("training");
  request.command = "python3 \"a b\".py \xff";
  request.comm = alloc::Comm::kLight;
  const auto lease = store.Acquire(request);
  ASSERT_TRUE(lease.ok()) << lease.status().ToString();
  EXPECT_THAT(lease->leaves(), ElementsAre(Leaf(0), Leaf(1)));
  const auto busy = *store.Snapshot();
  ASSERT_EQ(busy.size(), 2u);
  const LeaseHolder& holder = busy.at(Leaf(1));
  EXPECT_EQ(holder.job, JobId("training"));
  EXPECT_EQ(holder.pid, ::getpid());
  EXPECT_FALSE(holder.user.empty());
  EXPECT_THAT(holder.since, testing::MatchesRegex("....-..-..T..:..:..Z"));
  EXPECT_EQ(holder.rank, Rank(1));
  EXPECT_EQ(holder.command, "python3 \"a b\".py \xef\xbf\xbd");
  EXPECT_EQ(holder.comm, alloc::Comm::kLight);
}

TEST_F(LeaseStoreTest, ReleaseFreesAndRemovesTheFiles) {
  const auto store = Open();
  {
    auto lease = store.Acquire(NoWait(FirstFree(3, 3)));
    ASSERT_TRUE(lease.ok());
    EXPECT_EQ(FilesIn("leaves"), 3u);
    lease->Release();
    EXPECT_THAT(lease->leaves(), IsEmpty());
    EXPECT_EQ(FilesIn("leaves"), 0u);
    lease = store.Acquire(NoWait(FirstFree(2, 3)));
    Lease moved = std::move(lease).value();
    EXPECT_EQ(store.Snapshot()->size(), 2u);
  }
  EXPECT_THAT(*store.Snapshot(), IsEmpty());
  EXPECT_EQ(FilesIn("leaves"), 0u);
}

TEST_F(LeaseStoreTest, RefusesWhatIsNotALeafOfItsOwn) {
  const auto store = Open();
  const auto held = store.Acquire(NoWait(Exactly({Leaf(3)})));
  const auto take = [&](const std::vector<mig::MigUuid>& leaves) {
    return store
        .Acquire(NoWait(
            [leaves](const BusyLeaves&) -> Result<std::vector<mig::MigUuid>> { return leaves; }))
        .status();
  };
  EXPECT_EQ(take({}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(take({Leaf(1), Leaf(1)}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(take({mig::MigUuid("../lock")}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(take({mig::MigUuid("")}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(take({mig::MigUuid(".hidden")}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(take({Leaf(1), Leaf(3)}).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(store.Snapshot()->size(), 1u) << "a refused request keeps nothing";
}

TEST_F(LeaseStoreTest, BusyWithoutWaitingIsResourceExhausted) {
  const auto store = Open();
  const auto lease = store.Acquire(NoWait(FirstFree(2, 3)));
  const auto second = store.Acquire(NoWait(FirstFree(2, 3)));
  EXPECT_EQ(second.status(), ResourceExhaustedError("2 do not fit"));
  EXPECT_EQ(FilesIn("queue"), 0u);
}

TEST_F(LeaseStoreTest, ErrorOfTheChoiceEndsTheWait) {
  const auto second = Open().Acquire(Waiting(
      [](const BusyLeaves&) -> Result<std::vector<mig::MigUuid>> {
        return InvalidArgumentError("never");
      },
      seconds(20)));
  EXPECT_EQ(second.status(), InvalidArgumentError("never"));
  EXPECT_EQ(FilesIn("queue"), 0u);
}

TEST_F(LeaseStoreTest, WaitEndsAtTheDeadlineAndLeavesTheQueue) {
  const auto store = Open();
  const auto lease = store.Acquire(NoWait(FirstFree(1, 1)));
  const auto begin = std::chrono::steady_clock::now();
  const auto second = store.Acquire(Waiting(FirstFree(1, 1), milliseconds(60)));
  EXPECT_EQ(second.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(60));
  EXPECT_EQ(FilesIn("queue"), 0u);
}

TEST_F(LeaseStoreTest, WaiterLearnsWhoHoldsTheLeavesAndMayGiveUp) {
  const auto store = Open();
  const auto lease = store.Acquire(NoWait(FirstFree(1, 1)));
  LeaseRequest request = Waiting(FirstFree(1, 1), seconds(20));
  int calls = 0;
  request.on_wait = [&](const LeaseWait& wait) {
    EXPECT_EQ(wait.busy.at(Leaf(0)).pid, ::getpid());
    EXPECT_FALSE(wait.behind.has_value());
    return ++calls < 3 ? OkStatus() : AbortedError("enough");
  };
  EXPECT_EQ(store.Acquire(request).status(), AbortedError("enough"));
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(FilesIn("queue"), 0u);
}

TEST_F(LeaseStoreTest, LeaseOfAKilledHolderIsFreeAndItsFileIsRemoved) {
  const pid_t holder = Holder({Leaf(0), Leaf(1)});
  const auto store = Open();
  EXPECT_EQ(store.Acquire(NoWait(FirstFree(1, 2))).status().code(), StatusCode::kResourceExhausted);
  Kill(holder);
  EXPECT_EQ(FilesIn("leaves"), 2u) << "a killed holder cannot clean up";
  EXPECT_THAT(*store.Snapshot(), IsEmpty());
  EXPECT_EQ(FilesIn("leaves"), 0u);
  EXPECT_TRUE(store.Acquire(NoWait(FirstFree(2, 2))).ok());
}

TEST_F(LeaseStoreTest, ForkedCopyKeepsTheLeaseAfterTheHolderDied) {
  int pids[2];
  ASSERT_EQ(::pipe(pids), 0);
  const pid_t holder = Fork([&] {
    const auto lease = Open().Acquire(NoWait(FirstFree(1, 1)));
    const pid_t copy = ::fork();
    if (copy == 0) ::pause();
    return ::write(pids[1], &copy, sizeof copy) == sizeof copy ? ::pause() : 1;
  });
  pid_t copy = 0;
  ASSERT_EQ(::read(pids[0], &copy, sizeof copy), static_cast<ssize_t>(sizeof copy));
  Kill(holder);
  EXPECT_EQ(Open().Snapshot()->size(), 1u);
  ::kill(copy, SIGKILL);
  EXPECT_TRUE(Eventually([&] { return Open().Snapshot()->empty(); }));
  ::close(pids[0]);
  ::close(pids[1]);
}

TEST_F(LeaseStoreTest, CopyReleasedInAChildLeavesTheLeaseToItsParent) {
  auto lease = Open().Acquire(NoWait(FirstFree(1, 1)));
  const pid_t child = Fork([&] {
    lease->Release();
    return 0;
  });
  EXPECT_EQ(ExitStatusOf(child), 0);
  EXPECT_EQ(Open().Snapshot()->size(), 1u);
  EXPECT_EQ(FilesIn("leaves"), 1u);
}

TEST_F(LeaseStoreTest, WaitersAreServedInOrder) {
  const pid_t holder = Holder({Leaf(0)});
  std::vector<pid_t> waiters;
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) waiters.push_back(Waiter({Leaf(0)}, name));
  Kill(holder);
  for (const pid_t waiter : waiters) EXPECT_EQ(ExitStatusOf(waiter), 0);
  EXPECT_EQ(*ReadFile(folder_ / "order"), "abcde");
  EXPECT_EQ(FilesIn("queue"), 0u);
}

TEST_F(LeaseStoreTest, NarrowRequestDoesNotOvertakeAWaitingWideOne) {
  const pid_t holder = Holder({Leaf(0)});
  const pid_t wide = Waiter({Leaf(0), Leaf(1)}, 'w');
  // Leaf 1 is free, but the wide one waits for it.
  const auto impatient = Open().Acquire(NoWait(Exactly({Leaf(1)})));
  EXPECT_EQ(impatient.status().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(impatient.status().message(), HasSubstr(StrCat("process ", wide)));
  const pid_t narrow = Waiter({Leaf(1)}, 'n');
  std::this_thread::sleep_for(milliseconds(100));  // four looks of the queue
  EXPECT_FALSE(std::filesystem::exists(folder_ / "order"));
  Kill(holder);
  EXPECT_EQ(ExitStatusOf(wide), 0);
  EXPECT_EQ(ExitStatusOf(narrow), 0);
  EXPECT_EQ(*ReadFile(folder_ / "order"), "wn");
}

TEST_F(LeaseStoreTest, OperatorPassesTheQueue) {
  const pid_t holder = Holder({Leaf(0)});
  const pid_t waiter = Waiter({Leaf(0), Leaf(1)}, 'w');
  LeaseRequest request = NoWait(Exactly({Leaf(1)}));
  request.pass_the_queue = true;
  auto lease = Open().Acquire(request);
  ASSERT_TRUE(lease.ok()) << lease.status().ToString();
  Kill(holder);
  lease->Release();
  EXPECT_EQ(ExitStatusOf(waiter), 0);
}

TEST_F(LeaseStoreTest, KilledWaiterLosesItsPlace) {
  const pid_t holder = Holder({Leaf(0)});
  const pid_t first = Waiter({Leaf(0)}, 'a');
  const pid_t second = Waiter({Leaf(0)}, 'b');
  Kill(first);
  Kill(holder);
  EXPECT_EQ(ExitStatusOf(second), 0);
  EXPECT_EQ(*ReadFile(folder_ / "order"), "b");
  EXPECT_EQ(FilesIn("queue"), 0u);
}

TEST_F(LeaseStoreTest, StoppedWaiterIsPassedOverAndKeepsItsPlace) {
  const pid_t holder = Holder({Leaf(0)});
  const pid_t first = Waiter({Leaf(0)}, 'a');
  // Stopped outside the store's lock, which it would otherwise keep.
  pid_t stopped = 0;
  while (stopped == 0) {
    ::kill(first, SIGSTOP);
    ASSERT_EQ(::waitpid(first, nullptr, WUNTRACED), first);
    if (FileLock::TryAcquire(folder_ / "lock").ok())
      stopped = first;
    else
      ::kill(first, SIGCONT);
  }
  const pid_t second = Waiter({Leaf(0)}, 'b');
  Kill(holder);
  EXPECT_EQ(ExitStatusOf(second), 0);
  ::kill(first, SIGCONT);
  EXPECT_EQ(ExitStatusOf(first), 0);
  EXPECT_EQ(*ReadFile(folder_ / "order"), "ba");
}

TEST_F(LeaseStoreTest, StoppedHolderOfTheLockIsNamedAtTheDeadline) {
  const pid_t stopped = Fork([&] {
    const auto lock = FileLock::TryAcquire(folder_ / "lock");
    ::raise(SIGSTOP);
    return lock.ok() ? 0 : 1;
  });
  ASSERT_EQ(::waitpid(stopped, nullptr, WUNTRACED), stopped);
  const auto store = Open(milliseconds(50));
  const auto begin = std::chrono::steady_clock::now();
  const Status looked = store.Snapshot().status();
  EXPECT_EQ(looked.code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(looked.message(), HasSubstr(StrCat("process ", stopped)));
  EXPECT_EQ(store.Acquire(NoWait(FirstFree(1, 1))).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
  ::kill(stopped, SIGCONT);
  EXPECT_EQ(ExitStatusOf(stopped), 0);
  EXPECT_TRUE(store.Snapshot().ok());
}

TEST_F(LeaseStoreTest, LooksNeverMakeALeafBusy) {
  const pid_t looker = Fork([&] {
    const auto store = Open();
    while (store.Snapshot().ok()) {
    }
    return 1;
  });
  const auto store = Open();
  for (int i = 0; i < 50; ++i) {
    const auto lease = store.Acquire(NoWait(FirstFree(4, 4)));
    ASSERT_TRUE(lease.ok()) << lease.status().ToString();
  }
  Kill(looker);
}

// Eight launchers of random width on six leaves, half of them killed in the middle of their work.
// Each marks its leaves with O_EXCL files, so that two owners of one leaf at a time are seen.
TEST_F(LeaseStoreTest, RacingLaunchersNeverShareALeaf) {
  constexpr int kLeafCount = 6;
  constexpr int kRounds = 12;
  std::filesystem::create_directory(folder_ / "owned");
  std::vector<pid_t> runners;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    runners.push_back(Fork([this, seed] {
      SplitMix64 random(seed);
      const auto store = Open();
      for (int round = 0; round < kRounds; ++round) {
        const int width = 1 + static_cast<int>(random.NextBelow(kLeafCount));
        auto lease = store.Acquire(Waiting(FirstFree(width, kLeafCount), seconds(60)));
        if (!lease.ok() || std::ssize(lease->leaves()) != width) return 2;
        const auto mark = [&](const mig::MigUuid& leaf) {
          return folder_ / "owned" / leaf.value();
        };
        for (const auto& leaf : lease->leaves()) {
          if (::open(mark(leaf).c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600) < 0) return 3;
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random.NextBelow(500)));
        for (const auto& leaf : lease->leaves()) ::unlink(mark(leaf).c_str());
        // Every second round ends as in a crash: the copy of the lock goes without the file.
        if (round % 2 == 1) {
          const pid_t crashing = ::fork();
          if (crashing == 0) {
            auto own = store.Acquire(Waiting(FirstFree(1, kLeafCount), seconds(0)));
            ::kill(::getpid(), SIGKILL);
          }
          ::waitpid(crashing, nullptr, 0);
        }
      }
      return 0;
    }));
  }
  for (const pid_t runner : runners) EXPECT_EQ(ExitStatusOf(runner), 0);
  EXPECT_THAT(*Open().Snapshot(), IsEmpty());
  EXPECT_EQ(FilesIn("leaves"), 0u);
}

}  // namespace
}  // namespace flexmig::agent
