#include "worker.h"

#include <chrono>
#include <utility>

#include <sys/prctl.h>
#include <unistd.h>

#include "flexmig/base/thread.h"

namespace flexmig::device {
namespace {

// With nothing queued, only a push matters, which wakes the worker; and a failure, which the next
// Enqueue would tell as well.
constexpr std::chrono::milliseconds kIdleSleep(100);
// By default the kernel lets a nap of 50 us become one of 100.
constexpr unsigned long kTimerSlackNanoseconds = 1000;

}  // namespace

Worker::Worker(OperationQueue& queue, shm::WaitPolicy policy, Hooks hooks)
    : queue_(queue), policy_(policy), hooks_(std::move(hooks)), owner_process_(::getpid()) {}

Result<std::unique_ptr<Worker>> Worker::Start(OperationQueue& queue, shm::WaitPolicy policy,
                                              Hooks hooks) {
  auto worker = std::unique_ptr<Worker>(new Worker(queue, policy, std::move(hooks)));
  FLEXMIG_ASSIGN_OR_RETURN(std::thread thread,
                           StartThread("flexmig-device", "thread for device operations",
                                       [w = worker.get()] { w->Run(); }));
  worker->thread_ = std::make_unique<std::thread>(std::move(thread));
  return worker;
}

Worker::~Worker() {
  if (thread_ == nullptr) return;
  if (::getpid() != owner_process_) {
    static_cast<void>(thread_.release());  // it can be neither joined nor detached
    return;
  }
  stop_.store(true, std::memory_order_release);
  queue_.Wake();
  thread_->join();
}

void Worker::Run() {
  ::prctl(PR_SET_TIMERSLACK, kTimerSlackNanoseconds, 0, 0, 0);
  hooks_.begin();
  Patience patience(policy_);
  bool all = false;
  for (;;) {
    QueuedOperation* queued = queue_.Ready(all);
    if (queued == nullptr) {
      if (patience.Pause()) continue;
      const bool stop = stop_.load(std::memory_order_acquire);
      all = hooks_.look();
      queued = queue_.Ready(all);
      if (queued == nullptr) {
        if (stop) return;
        Wait(patience);
        continue;
      }
    }
    hooks_.run(*queued);
    queue_.Finish(queued);
    patience.Reset();
  }
}

void Worker::Wait(Patience& patience) {
  if (queue_.HasEager()) {
    patience.Nap(/*lazily=*/false);
  } else if (queue_.HasCaptured()) {
    patience.Nap(/*lazily=*/true);
  } else {
    queue_.Sleep(kIdleSleep);
    patience.Reset();
  }
}

}  // namespace flexmig::device
