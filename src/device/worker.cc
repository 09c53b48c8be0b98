#include "worker.h"

#include <chrono>
#include <csignal>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "flexmig/base/strings.h"

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
  // A thread inherits the mask of its creator.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Status started;
  try {
    worker->thread_ = std::make_unique<std::thread>([w = worker.get()] { w->Run(); });
    ::pthread_setname_np(worker->thread_->native_handle(), "flexmig-device");
  } catch (const std::system_error& error) {
    started = ResourceExhaustedError(StrCat("thread for device operations: ", error.what()));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  FLEXMIG_RETURN_IF_ERROR(started);
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
