#include "stream.h"

#include <algorithm>
#include <thread>

#include "flexmig/base/thread.h"

#include "context.h"

namespace flexmig::cuda_sim {

bool Mark::IsDone() const { return stream == nullptr || stream->IsDone(position); }

void Mark::Await() const {
  if (stream != nullptr) stream->Await(position);
}

Stream::Stream(Context& context, uint32_t flags, int priority, uint64_t number,
               const Delays& delays)
    : context_(context),
      flags_(flags),
      priority_(priority),
      delays_(delays),
      random_(delays.seed * 1'000'003 + number) {}

Mark Stream::Push(std::vector<Mark> after, Body body) {
  std::erase_if(after, [](const Mark& mark) { return mark.IsDone(); });
  const std::lock_guard lock(mutex_);
  queue_.push_back({std::move(after), std::move(body)});
  ++pushed_;
  if (!has_thread_) {
    has_thread_ = true;
    // Signals are the program's own threads' to handle.
    const BlockedSignals blocked;
    std::thread([self = shared_from_this()] { self->Run(); }).detach();
  }
  changed_.notify_all();
  return {shared_from_this(), pushed_};
}

Mark Stream::Last() {
  const std::lock_guard lock(mutex_);
  return {shared_from_this(), pushed_};
}

void Stream::Await(uint64_t position) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return IsDone(position); });
}

void Stream::Close() {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  changed_.notify_all();
}

void Stream::Run() {
  while (true) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !queue_.empty() || closing_; });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    for (const Mark& mark : work.after) mark.Await();
    if (work.body != nullptr && context_.error() == ResultCode::kSuccess) {
      if (delays_.longest.count() > 0) {
        const auto most = static_cast<uint64_t>(delays_.longest.count());
        std::this_thread::sleep_for(std::chrono::microseconds(random_.NextBelow(most + 1)));
      }
      const ResultCode code = work.body();
      if (code != ResultCode::kSuccess) context_.Fail(code);
    }
    // What the work holds goes first: its marks may be the last to hold their streams.
    work = {};
    const std::lock_guard lock(mutex_);
    done_.fetch_add(1, std::memory_order_release);  // pairs with IsDone
    changed_.notify_all();
  }
}

void Backoff::Pause() {
  ++turns_;
  if (turns_ < 50) {
    std::this_thread::yield();
    return;
  }
  const int64_t us = std::min<int64_t>(100, turns_ - 40);
  std::this_thread::sleep_for(std::chrono::microseconds(us));
}

}  // namespace flexmig::cuda_sim
