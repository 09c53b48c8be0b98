#include "flexmig/shm/peer_watcher.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/process.h"

namespace flexmig::shm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A process that sleeps until it is killed.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    if (pid_ == 0) {
      ::alarm(60);  // should the test die first
      for (;;) ::pause();
    }
  }
  ~Sleeper() {
    Kill();
    ::waitpid(pid_, nullptr, 0);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  void Kill() const {
    FLEXMIG_CHECK(pid_ > 0);  // -1 would be everybody
    ::kill(pid_, SIGKILL);
  }
  [[nodiscard]] UniqueFd PidFd() const {
    auto fd = OpenPidFd(pid_);
    EXPECT_TRUE(fd.ok());
    return *std::move(fd);
  }

 private:
  pid_t pid_;
};

class Exits {
 public:
  void Add(int rank) {
    const std::lock_guard lock(mutex_);
    ranks_.push_back(rank);
    changed_.notify_all();
  }
  std::vector<int> WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return ranks_.size() >= count; });
    return ranks_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> ranks_;
};

std::vector<PeerWatcher::Peer> Peers(const Sleeper& one, const Sleeper& three) {
  std::vector<PeerWatcher::Peer> peers;
  peers.push_back({1, one.PidFd()});
  peers.push_back({3, three.PidFd()});
  return peers;
}

TEST(PeerWatcherTest, NamesEachRankThatEndsOnce) {
  const Sleeper one;
  const Sleeper three;
  Exits exits;
  auto watcher = PeerWatcher::Start(Peers(one, three), [&](int rank) { exits.Add(rank); });
  ASSERT_TRUE(watcher.ok()) << watcher.status().ToString();
  three.Kill();
  EXPECT_THAT(exits.WaitFor(1), ElementsAre(3));
  one.Kill();
  EXPECT_THAT(exits.WaitFor(2), ElementsAre(3, 1));
}

TEST(PeerWatcherTest, StopsWhilePeersLive) {
  const Sleeper one;
  const Sleeper three;
  Exits exits;
  auto watcher = PeerWatcher::Start(Peers(one, three), [&](int rank) { exits.Add(rank); });
  ASSERT_TRUE(watcher.ok());
  watcher->reset();
  one.Kill();
  EXPECT_THAT(exits.WaitFor(0), IsEmpty());
}

TEST(PeerWatcherTest, AlreadyDeadPeerIsReported) {
  const Sleeper one;
  const Sleeper three;
  auto peers = Peers(one, three);
  one.Kill();
  Exits exits;
  auto watcher = PeerWatcher::Start(std::move(peers), [&](int rank) { exits.Add(rank); });
  ASSERT_TRUE(watcher.ok());
  EXPECT_THAT(exits.WaitFor(1), ElementsAre(1));
}

TEST(PeerWatcherTest, ForkedChildMayDestroyItsCopy) {
  Exits exits;
  auto watcher = PeerWatcher::Start({}, [&](int rank) { exits.Add(rank); });
  ASSERT_TRUE(watcher.ok());
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(20);
    watcher->reset();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace flexmig::shm
