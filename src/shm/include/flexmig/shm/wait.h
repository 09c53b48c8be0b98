#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>

#include "flexmig/base/deadline.h"

namespace flexmig::shm {

// A count in shared memory that one process raises and the others wait for. 128 bytes, because
// prefetchers pull cache lines in pairs.
//
// Invariants: `value` never falls and has one writer; it is zero at first.
struct alignas(128) Counter {
  std::atomic<uint64_t> value;
  // How many threads are in, or about to enter, a futex wait on `value`. One that is killed there
  // stays counted, which costs the writer needless wake calls and nothing else.
  std::atomic<uint32_t> sleepers;
};
static_assert(sizeof(Counter) == 128 && std::atomic<uint32_t>::is_always_lock_free);

// Raises the counter and wakes those who sleep on it. What this thread wrote before is visible to
// whoever sees the value (pairs with the loads in WaitUntilAtLeast).
void Publish(Counter& counter, uint64_t value);

// Wakes the sleepers without raising the counter, to make them look at what interrupts them.
void WakeSleepers(const Counter& counter);

// How many turns a wait spins before it yields. A spinning thread has its answer some 100 ns after
// the store; but when threads outnumber processors it burns the time slice of the one it waits for.
struct WaitPolicy {
  int spins = 0;

  // For `threads` threads that wait for each other on this process's processors.
  static WaitPolicy For(int threads);
};

enum class WaitOutcome {
  kReached,      // the counter is at its target
  kInterrupted,  // it is not, and `interrupted` said so
  kTimedOut,     // it is not, after `timeout`
};

namespace internal {

// Yields are tried for this long before a thread sleeps: some tens of scheduling rounds of other
// ranks, and less than a futex sleep and wake-up under load cost together.
inline constexpr std::chrono::microseconds kYieldTime(200);
// The longest sleep: bounds how late an interruption is seen whose wake-up was missed, at a cost of
// 100 wake-ups a second.
inline constexpr std::chrono::milliseconds kSleepSlice(10);

void PauseProcessor();
void YieldProcessor();
void SleepUnlessReached(Counter& counter, uint64_t target, std::chrono::nanoseconds limit);

}  // namespace internal

// The one way in which this project waits for another process: returns when the counter is at least
// `target`, when `interrupted()` holds, or after `timeout`. Spins a little, then yields, then
// sleeps in slices of 10 ms; `interrupted` is asked from the second stage on, so that a wait which
// is over at once costs one load. A counter that is at its target wins over the other two outcomes.
template <std::predicate Interrupted>
WaitOutcome WaitUntilAtLeast(Counter& counter, uint64_t target, WaitPolicy policy,
                             std::chrono::milliseconds timeout, Interrupted interrupted) {
  const auto reached = [&] { return counter.value.load(std::memory_order_acquire) >= target; };
  if (reached()) return WaitOutcome::kReached;
  for (int spin = 0; spin < policy.spins; ++spin) {
    internal::PauseProcessor();
    if (reached()) return WaitOutcome::kReached;
  }
  const Deadline deadline = Deadline::After(timeout);
  const Deadline yields_end = Deadline::After(internal::kYieldTime);
  for (;;) {
    const bool stop = interrupted();
    if (reached()) return WaitOutcome::kReached;
    if (stop) return WaitOutcome::kInterrupted;
    if (deadline.HasPassed()) return WaitOutcome::kTimedOut;
    if (yields_end.HasPassed()) {
      internal::SleepUnlessReached(counter, target, deadline.Remaining(internal::kSleepSlice));
    } else {
      internal::YieldProcessor();
    }
  }
}

}  // namespace flexmig::shm
