#include "flexmig/shm/wait.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace flexmig::shm {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

bool Never() { return false; }

// A counter that forked processes share.
class SharedCounter {
 public:
  SharedCounter()
      : counter_(static_cast<Counter*>(::mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE,
                                              MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~SharedCounter() { ::munmap(counter_, sizeof(Counter)); }
  SharedCounter(const SharedCounter&) = delete;
  SharedCounter& operator=(const SharedCounter&) = delete;
  Counter& operator*() { return *counter_; }

 private:
  Counter* counter_;
};

TEST(WaitTest, ReachedTargetReturnsWithoutAskingAnything) {
  Counter counter{};
  Publish(counter, 3);
  const auto must_not_be_asked = [] {
    ADD_FAILURE();
    return true;
  };
  EXPECT_EQ(WaitUntilAtLeast(counter, 3, WaitPolicy{}, milliseconds(0), must_not_be_asked),
            WaitOutcome::kReached);
  EXPECT_EQ(WaitUntilAtLeast(counter, 2, WaitPolicy{}, milliseconds(0), must_not_be_asked),
            WaitOutcome::kReached);
}

TEST(WaitTest, TimesOutNeitherEarlyNorLate) {
  Counter counter{};
  const auto begin = Clock::now();
  EXPECT_EQ(WaitUntilAtLeast(counter, 1, WaitPolicy{}, milliseconds(30), Never),
            WaitOutcome::kTimedOut);
  const auto waited = Clock::now() - begin;
  EXPECT_GE(waited, milliseconds(30));
  EXPECT_LT(waited, milliseconds(2000));  // generous: the machine may be busy
}

TEST(WaitTest, InterruptionEndsTheWait) {
  Counter counter{};
  EXPECT_EQ(
      WaitUntilAtLeast(counter, 1, WaitPolicy{}, std::chrono::seconds(60), [] { return true; }),
      WaitOutcome::kInterrupted);
}

// What arrived before the interruption counts.
TEST(WaitTest, ReachedTargetWinsOverInterruptionAndTimeout) {
  Counter counter{};
  const auto arrive_then_interrupt = [&] {
    Publish(counter, 1);
    return true;
  };
  EXPECT_EQ(WaitUntilAtLeast(counter, 1, WaitPolicy{}, milliseconds(0), arrive_then_interrupt),
            WaitOutcome::kReached);
}

// The sleeper is seen in `sleepers`, so the wake-up below ends a real futex wait. Without the wake
// each of the 20 rounds would take a 10 ms slice.
TEST(WaitTest, PublishingWakesASleepingThread) {
  constexpr uint64_t kRounds = 20;
  Counter question{};
  Counter answer{};
  std::thread other([&] {
    for (uint64_t round = 1; round <= kRounds; ++round) {
      ASSERT_EQ(WaitUntilAtLeast(question, round, WaitPolicy{}, std::chrono::seconds(60), Never),
                WaitOutcome::kReached);
      Publish(answer, round);
    }
  });
  for (uint64_t round = 1; round <= kRounds; ++round) {
    const Deadline deadline = Deadline::After(std::chrono::seconds(60));
    while (question.sleepers.load() == 0 && !deadline.HasPassed()) std::this_thread::yield();
    Publish(question, round);
    ASSERT_EQ(WaitUntilAtLeast(answer, round, WaitPolicy{100}, std::chrono::seconds(60), Never),
              WaitOutcome::kReached);
  }
  other.join();
}

// std::atomic::wait fails here: its futex is private to the process.
TEST(WaitTest, PublishingWakesASleepingProcess) {
  SharedCounter counter;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // One sleep of up to 60 s, not slices: only a wake-up from the other process ends it in time.
    Sleeper().SleepUnlessReached(*counter, 1, std::chrono::seconds(60));
    ::_exit((*counter).value.load() == 1 ? 0 : 1);
  }
  const Deadline deadline = Deadline::After(std::chrono::seconds(30));
  while ((*counter).sleepers.load() == 0 && !deadline.HasPassed()) ::usleep(1000);
  const auto begin = Clock::now();
  Publish(*counter, 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(20));
}

TEST(WaitTest, DataBeforePublishIsVisibleAfterTheWait) {
  constexpr uint64_t kRounds = 2000;
  Counter ready{};
  Counter taken{};
  uint64_t data = 0;  // plain: the thread sanitizer checks that the counters order the accesses
  std::thread writer([&] {
    for (uint64_t round = 1; round <= kRounds; ++round) {
      data = round * round;
      Publish(ready, round);
      ASSERT_EQ(WaitUntilAtLeast(taken, round, WaitPolicy{100}, std::chrono::seconds(60), Never),
                WaitOutcome::kReached);
    }
  });
  for (uint64_t round = 1; round <= kRounds; ++round) {
    ASSERT_EQ(WaitUntilAtLeast(ready, round, WaitPolicy{100}, std::chrono::seconds(60), Never),
              WaitOutcome::kReached);
    ASSERT_EQ(data, round * round);
    Publish(taken, round);
  }
  writer.join();
}

TEST(WaitPolicyTest, SpinsLittleWhenThreadsOutnumberProcessors) {
  EXPECT_GT(WaitPolicy::For(2, 2).spins, WaitPolicy::For(2, 1).spins);
}

}  // namespace
}  // namespace flexmig::shm
