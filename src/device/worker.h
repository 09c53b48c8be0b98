#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "flexmig/base/status.h"

#include "operation_queue.h"
#include "patience.h"

namespace flexmig::device {

// The thread that runs a communicator's operations, with all signals blocked, so that it never runs
// a handler of the program that it lives in.
class Worker {
 public:
  struct Hooks {
    // First thing in the thread.
    std::function<void()> begin;
    // Runs an operation and lets its stream go on.
    std::function<void(QueuedOperation&)> run;
    // Called while there is nothing to run: every 50 us while something is queued, every 100 ms if
    // not. Whether eager operations are to be run without waiting for their streams.
    std::function<bool()> look;
  };

  // `queue` has to outlive the worker. Errors: kResourceExhausted.
  static Result<std::unique_ptr<Worker>> Start(OperationQueue& queue, shm::WaitPolicy policy,
                                               Hooks hooks);
  // Stops when nothing is left that can run; what `look` says decides about the rest. In a forked
  // child, where the thread does not exist, does nothing.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

 private:
  Worker(OperationQueue& queue, shm::WaitPolicy policy, Hooks hooks);
  void Run();
  void Wait(Patience& patience);

  OperationQueue& queue_;
  const shm::WaitPolicy policy_;
  const Hooks hooks_;
  const int owner_process_;
  std::atomic<bool> stop_ = false;
  std::unique_ptr<std::thread> thread_;
};

}  // namespace flexmig::device
