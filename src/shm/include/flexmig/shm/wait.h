#pragma once

#include <atomic>
#include <bitset>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>

#include "flexmig/base/deadline.h"

namespace flexmig::shm {

// A count in shared memory that one process raises and the others wait for.
//
// Invariants: `value` never falls and has one writer; it is zero at first.
struct Counter {
  std::atomic<uint64_t> value;
  // How many threads are in, between or about to enter futex waits on `value`. One that is killed
  // there stays counted, which costs the writer needless wake calls and nothing else.
  std::atomic<uint32_t> sleepers;
  uint32_t reserved;
};
static_assert(sizeof(Counter) == 16 && std::atomic<uint64_t>::is_always_lock_free &&
              std::atomic<uint32_t>::is_always_lock_free);

// Lets the fences of sleepers in other processes reach this one. To be called in every process that
// publishes; until then, and where the kernel refuses, Publish fences for itself.
void RegisterForFences();

namespace internal {

extern std::atomic<bool> fences_arrive;
void WakeAll(const Counter& counter);

}  // namespace internal

// Raises the counter and wakes those who sleep on it. What this thread wrote before is visible to
// whoever sees the value (pairs with the acquire in WaitUntilAtLeast).
//
// Publisher and sleeper each store one word and then load the other's: `value` and `sleepers`. If
// both could run ahead of their own store, a sleeper might never be woken. The fence for both sides
// is the sleeper's, which interrupts the other processors (see Sleeper): a locked
// instruction here would wait until the peers have given up the lines of the data just written,
// some 100 ns of an exchange that takes 150.
inline void Publish(Counter& counter, uint64_t value) {
  if (internal::fences_arrive.load(std::memory_order_relaxed)) {
    counter.value.store(value, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    counter.value.exchange(value, std::memory_order_seq_cst);
  }
  if (counter.sleepers.load(std::memory_order_relaxed) != 0) internal::WakeAll(counter);
}

// The processors that this process may run on; none if the kernel does not tell.
using ProcessorSet = std::bitset<1024>;
[[nodiscard]] ProcessorSet AllowedProcessors();

// How many turns a wait spins before it yields. A spinning thread has its answer some 100 ns after
// the store; but when threads outnumber processors it burns the time slice of the one it waits for.
struct WaitPolicy {
  int spins = 0;

  // For `threads` threads that wait for each other on so many processors, all together.
  static WaitPolicy For(int threads, int processors);
};

enum class WaitOutcome {
  kReached,      // the counter is at its target
  kInterrupted,  // it is not, and `interrupted` said so
  kTimedOut,     // it is not, after `timeout`
};

// What a wait is made of, for those that watch several counters at once.

// Yields are tried for this long before a thread sleeps: some tens of scheduling rounds of other
// ranks, and less than a futex sleep and wake-up under load cost together.
inline constexpr std::chrono::microseconds kYieldTime(200);
inline constexpr int kFirstYields = 4;
// The longest sleep: bounds how late an interruption is seen, which wakes nobody, at a cost of 100
// wake-ups a second.
inline constexpr std::chrono::milliseconds kSleepSlice(10);

inline void PauseProcessor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");  // `yield` does nothing on most cores; isb waits some 10 ns
#endif
}
void YieldProcessor();
// A thread in its sleeps on counters.
//
// Invariants: from its first sleep on a counter until it sleeps on another one, leaves or ends, it
// is counted among that counter's sleepers, and every Publish there costs a system call. Threading:
// one owner.
class Sleeper {
 public:
  Sleeper() = default;
  ~Sleeper() { Leave(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  // Sleeps until the counter is raised, if it is below `target`, at most `limit`. May return at any
  // time: the caller looks again. The counter must be there until Leave.
  void SleepUnlessReached(Counter& counter, uint64_t target, std::chrono::nanoseconds limit);
  // Counted nowhere from now on.
  void Leave() {
    if (counter_ != nullptr) counter_->sleepers.fetch_sub(1, std::memory_order_relaxed);
    counter_ = nullptr;
  }

 private:
  Counter* counter_ = nullptr;  // that counts this thread
};

// Ends a row of spins by the clock too, which is looked at every 256: on a virtual machine a pause
// may give the processor to somebody else and take microseconds.
class SpinLimit {
 public:
  [[nodiscard]] bool IsOver(int spin) {
    constexpr int kSpinsALook = 256;
    if (spin % kSpinsALook != kSpinsALook - 1) return false;
    if (!end_.has_value()) end_ = Deadline::After(kSpinTime);
    return end_->HasPassed();
  }

 private:
  static constexpr std::chrono::milliseconds kSpinTime = std::chrono::milliseconds(1);
  std::optional<Deadline> end_;
};

// The one way in which this project waits for another process: returns when the counter is at least
// `target`, when `interrupted()` holds, or after `timeout`. Spins a little, then yields, then
// sleeps in slices of 10 ms; `interrupted` is asked from the second stage on, so that a wait which
// is over at once costs one load. A counter that is at its target wins over the other two outcomes.
template <std::predicate Interrupted>
WaitOutcome WaitUntilAtLeast(Counter& counter, uint64_t target, WaitPolicy policy,
                             std::chrono::milliseconds timeout, Interrupted interrupted) {
  const auto reached = [&] { return counter.value.load(std::memory_order_acquire) >= target; };
  if (reached()) return WaitOutcome::kReached;
  SpinLimit limit;
  for (int spin = 0; spin < policy.spins && !limit.IsOver(spin); ++spin) {
    PauseProcessor();
    if (reached()) return WaitOutcome::kReached;
  }
  // Where ranks outnumber processors the first yields nearly always end the wait; looking at the
  // clock first would cost a tenth of them.
  for (int turn = 0; turn < kFirstYields; ++turn) {
    YieldProcessor();
    if (reached()) return WaitOutcome::kReached;
  }
  const Deadline deadline = Deadline::After(timeout);
  const Deadline yields_end = Deadline::After(kYieldTime);
  Sleeper sleeper;
  for (;;) {
    const bool stop = interrupted();
    if (reached()) return WaitOutcome::kReached;
    if (stop) return WaitOutcome::kInterrupted;
    if (deadline.HasPassed()) return WaitOutcome::kTimedOut;
    if (yields_end.HasPassed()) {
      sleeper.SleepUnlessReached(counter, target, deadline.Remaining(kSleepSlice));
    } else {
      YieldProcessor();
    }
  }
}

}  // namespace flexmig::shm
