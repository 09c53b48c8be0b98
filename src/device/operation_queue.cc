#include "operation_queue.h"

#include <algorithm>
#include <utility>

namespace flexmig::device {

void OperationQueue::PushEager(std::shared_ptr<QueuedOperation> queued) {
  {
    const std::lock_guard lock(mutex_);
    new_eager_.push_back(std::move(queued));
    pushed_.fetch_add(1, std::memory_order_release);
    has_new_.store(true, std::memory_order_release);
  }
  changed_.notify_one();
}

void OperationQueue::PushCaptured(std::shared_ptr<QueuedOperation> queued, uint64_t capture) {
  {
    const std::lock_guard lock(mutex_);
    new_captured_.emplace_back(capture, std::move(queued));
    has_new_.store(true, std::memory_order_release);
  }
  changed_.notify_one();
}

void OperationQueue::TakeIn() {
  if (!has_new_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  has_new_.store(false, std::memory_order_relaxed);
  for (auto& queued : new_eager_) eager_.push_back(std::move(queued));
  new_eager_.clear();
  for (auto& [id, queued] : new_captured_) {
    // Captures are made one after the other, or a few at once: the one looked for is near the end.
    auto found =
        std::find_if(captures_.rbegin(), captures_.rend(),
                     [wanted = id](const Capture& capture) { return capture.id == wanted; });
    if (found == captures_.rend()) {
      captures_.push_back({id, 0, {}});
      found = captures_.rbegin();
    }
    found->operations.push_back(std::move(queued));
  }
  new_captured_.clear();
}

QueuedOperation* OperationQueue::Ready(bool all) {
  TakeIn();
  if (!eager_.empty()) {
    QueuedOperation* const head = eager_.front().get();
    if (all || head->task != nullptr || head->words.IsStarted()) return head;
  }
  for (Capture& capture : captures_) {
    QueuedOperation* const next = capture.operations[capture.next].get();
    if (!next->words.IsStarted()) continue;
    // The stream writes it again at the next launch, after it has seen the done word.
    std::atomic_ref(*next->words.start).store(0, std::memory_order_relaxed);
    if (next->bounce.has_value()) next->bounce->TakeAgain();
    capture.next = (capture.next + 1) % capture.operations.size();
    return next;
  }
  return nullptr;
}

void OperationQueue::Finish(QueuedOperation* queued) {
  if (queued->words.captured) return;
  eager_.pop_front();
  finished_.fetch_add(1, std::memory_order_release);
}

bool OperationQueue::HasEager() {
  TakeIn();
  return !eager_.empty();
}

bool OperationQueue::HasCaptured() {
  TakeIn();
  return !captures_.empty();
}

void OperationQueue::Sleep(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit,
                    [&] { return woken_ || has_new_.load(std::memory_order_relaxed); });
  woken_ = false;
}

void OperationQueue::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

}  // namespace flexmig::device
