#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "flexmig/base/random.h"
#include "flexmig/cuda_abi/functions.h"

namespace flexmig::cuda_sim {

using cuda_abi::ResultCode;

class Capture;
class Context;
class Stream;

// A point in a stream: everything that had been put there when the mark was made.
struct Mark {
  std::shared_ptr<Stream> stream;
  uint64_t position = 0;

  [[nodiscard]] bool IsDone() const;
  void Await() const;
};

// What a stream carries. An error is the context's from then on.
using Body = std::function<ResultCode()>;

// Puts random delays before what streams do.
struct Delays {
  uint64_t seed = 0;
  std::chrono::microseconds longest{0};  // zero: none
};

// Work that is done in order by a thread of its own, which begins with the first.
// Threading: thread-safe.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  // `number` is unique in the process; the stream lives no longer than `context`.
  Stream(Context& context, uint32_t flags, int priority, uint64_t number, const Delays& delays);

  Context& context() const { return context_; }
  [[nodiscard]] uint32_t flags() const { return flags_; }
  [[nodiscard]] int priority() const { return priority_; }
  // Waits for the legacy default stream, and that for it.
  [[nodiscard]] bool is_blocking() const { return (flags_ & cuda_abi::kStreamNonBlocking) == 0; }

  // Puts work behind all that is there; it begins when `after` is done as well.
  Mark Push(std::vector<Mark> after, Body body);
  // Of what has been pushed so far.
  Mark Last();
  [[nodiscard]] bool IsDone(uint64_t position) const {
    return done_.load(std::memory_order_acquire) >= position;  // pairs with Run's release
  }
  void Await(uint64_t position);
  // Ends the thread once everything is done.
  void Close();

  // The capture that this stream takes part in, and the nodes that the next one depends on; guarded
  // by the captures' lock (capture.h).
  std::shared_ptr<Capture> capture;
  std::vector<size_t> capture_tail;

 private:
  struct Work {
    std::vector<Mark> after;
    Body body;
  };
  void Run();

  Context& context_;
  const uint32_t flags_;
  const int priority_;
  const Delays delays_;
  SplitMix64 random_;  // of the thread

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> queue_;
  uint64_t pushed_ = 0;
  bool has_thread_ = false;
  bool closing_ = false;
  std::atomic<uint64_t> done_{0};
};

// Waits between looks at something that another processor or process changes: busy at first, then
// in sleeps that grow to 100 us, since the simulated GPUs of a node share the machine's processors.
class Backoff {
 public:
  void Pause();

 private:
  int turns_ = 0;
};

}  // namespace flexmig::cuda_sim
