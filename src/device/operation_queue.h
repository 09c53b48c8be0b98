#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "queued_operation.h"

namespace flexmig::device {

// The operations of one communicator, from the threads that enqueue them to the worker that runs
// them. Eager ones run in the order in which they were pushed. Captured ones run when their stream
// writes their word: those of one capture in the order of the capture, over and over, whatever
// streams they were captured on, so that all ranks have the same order.
//
// Invariants: a captured operation stays until the queue is destroyed. No lock is held while
// anything is waited for, so that neither side can keep the other.
// Threading: Push and the counts from any thread; the rest from the worker's.
class OperationQueue {
 public:
  // Whoever pushes may keep it too, to read it.
  void PushEager(std::shared_ptr<QueuedOperation> queued);
  void PushCaptured(std::shared_ptr<QueuedOperation> queued, uint64_t capture);

  // Eager operations and tasks, so far.
  [[nodiscard]] uint64_t pushed() const { return pushed_.load(std::memory_order_acquire); }
  [[nodiscard]] uint64_t finished() const { return finished_.load(std::memory_order_acquire); }

  // What can run now, or nullptr: an operation that its stream has started, a task at the head; if
  // `all`, an eager operation whether started or not. It stays at the head until Finish.
  QueuedOperation* Ready(bool all);
  // What Ready returned has run; eager ones are let go.
  void Finish(QueuedOperation* queued);

  // Whether nothing eager is queued, and whether nothing captured could start either.
  [[nodiscard]] bool HasEager();
  [[nodiscard]] bool HasCaptured();
  // Sleeps until something is pushed or Wake called, at most `limit`.
  void Sleep(std::chrono::milliseconds limit);
  void Wake();

 private:
  struct Capture {
    uint64_t id = 0;
    size_t next = 0;  // the one that starts next
    std::vector<std::shared_ptr<QueuedOperation>> operations;
  };

  // Takes over what has been pushed since the last time.
  void TakeIn();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<std::shared_ptr<QueuedOperation>> new_eager_;
  std::vector<std::pair<uint64_t, std::shared_ptr<QueuedOperation>>> new_captured_;
  bool woken_ = false;

  std::atomic<bool> has_new_ = false;
  std::atomic<uint64_t> pushed_ = 0;
  std::atomic<uint64_t> finished_ = 0;

  // The worker's.
  std::deque<std::shared_ptr<QueuedOperation>> eager_;
  std::vector<Capture> captures_;
};

}  // namespace flexmig::device
