#include "operation_queue.h"

#include <array>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace flexmig::device {
namespace {

// Operations whose words are the test's.
class OperationQueueTest : public testing::Test {
 protected:
  std::shared_ptr<QueuedOperation> Make(size_t slot, bool captured) {
    auto queued = std::make_shared<QueuedOperation>();
    queued->words.start = &start_[slot];
    queued->words.done = &done_;
    queued->words.start_value = captured ? 1 : slot + 1;
    queued->words.captured = captured;
    return queued;
  }
  void Start(size_t slot, bool captured) { start_[slot] = captured ? 1 : slot + 1; }
  // The slot of what is ready, which is then finished; -1 for nothing.
  int Next(bool all = false) {
    QueuedOperation* const queued = queue_.Ready(all);
    if (queued == nullptr) return -1;
    const auto slot = static_cast<int>(queued->words.start - start_.data());
    queue_.Finish(queued);
    return slot;
  }

  std::array<uint64_t, 16> start_{};
  uint64_t done_ = 0;
  OperationQueue queue_;
};

TEST_F(OperationQueueTest, EagerOperationsRunInTheOrderOfTheQueueWhateverStartsFirst) {
  for (size_t i = 0; i < 3; ++i) queue_.PushEager(Make(i, false));
  EXPECT_EQ(Next(), -1);
  Start(2, false);
  Start(1, false);
  EXPECT_EQ(Next(), -1);
  Start(0, false);
  EXPECT_EQ(Next(), 0);
  EXPECT_EQ(Next(), 1);
  EXPECT_EQ(Next(), 2);
  EXPECT_EQ(Next(), -1);
  EXPECT_EQ(queue_.pushed(), 3U);
  EXPECT_EQ(queue_.finished(), 3U);
}

TEST_F(OperationQueueTest, ATaskRunsWhenAllBeforeItHasRun) {
  int runs = 0;
  queue_.PushEager(Make(0, false));
  auto task = std::make_shared<QueuedOperation>();
  task->task = [&] { ++runs; };
  queue_.PushEager(task);
  EXPECT_EQ(queue_.Ready(false), nullptr);
  Start(0, false);
  EXPECT_EQ(Next(), 0);
  ASSERT_EQ(queue_.Ready(false), task.get());
  queue_.Finish(task.get());
  EXPECT_EQ(queue_.Ready(false), nullptr);
}

TEST_F(OperationQueueTest, AfterAFailureEagerOperationsDoNotWaitForTheirStreams) {
  queue_.PushEager(Make(0, false));
  queue_.PushCaptured(Make(1, true), 7);
  EXPECT_EQ(Next(/*all=*/false), -1);
  EXPECT_EQ(Next(/*all=*/true), 0);
  EXPECT_EQ(Next(/*all=*/true), -1) << "a graph that is not launched runs nothing";
}

TEST_F(OperationQueueTest, ACaptureRunsInItsOrderAtEveryLaunch) {
  for (size_t i = 0; i < 3; ++i) queue_.PushCaptured(Make(i, true), 7);
  for (int launch = 0; launch < 3; ++launch) {
    Start(2, true);
    EXPECT_EQ(Next(), -1) << "another stream of the graph may be ahead";
    Start(0, true);
    EXPECT_EQ(Next(), 0);
    EXPECT_EQ(start_[0], 0U) << "taken, for the next launch";
    EXPECT_EQ(Next(), -1);
    Start(1, true);
    EXPECT_EQ(Next(), 1);
    EXPECT_EQ(Next(), 2);
    EXPECT_EQ(Next(), -1);
  }
}

TEST_F(OperationQueueTest, CapturesDoNotWaitForEachOther) {
  queue_.PushCaptured(Make(0, true), 7);
  queue_.PushCaptured(Make(1, true), 8);
  queue_.PushCaptured(Make(2, true), 7);
  Start(1, true);
  EXPECT_EQ(Next(), 1);
  Start(0, true);
  EXPECT_EQ(Next(), 0);
  // Nor for what is queued but has not been started.
  queue_.PushEager(Make(3, false));
  Start(2, true);
  EXPECT_EQ(Next(), 2);
}

TEST_F(OperationQueueTest, APushEndsASleep) {
  std::atomic<bool> slept = false;
  std::thread worker([&] {
    queue_.Sleep(std::chrono::seconds(60));
    slept = true;
  });
  queue_.PushEager(Make(0, false));
  worker.join();
  EXPECT_TRUE(slept);
  EXPECT_TRUE(queue_.HasEager());
  EXPECT_FALSE(queue_.HasCaptured());
}

TEST_F(OperationQueueTest, PushesOfManyThreadsAllArrive) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k) {
        auto task = std::make_shared<QueuedOperation>();
        task->task = [] {};
        queue_.PushEager(task);
      }
    });
  }
  for (int taken = 0; taken < kThreads * kEach;) {
    QueuedOperation* const queued = queue_.Ready(false);
    if (queued == nullptr) {
      queue_.Sleep(std::chrono::milliseconds(10));
      continue;
    }
    queue_.Finish(queued);
    ++taken;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(queue_.finished(), queue_.pushed());
}

}  // namespace
}  // namespace flexmig::device
