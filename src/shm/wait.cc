#include "flexmig/shm/wait.h"

#include <sched.h>

#include "flexmig/shm/futex.h"

namespace flexmig::shm {

// Publish and SleepUnlessReached are two threads of which each stores one word and then loads the
// other's: `value` and `sleepers`. Sequentially consistent, at least one of them sees the other's
// store, so a sleeper is either woken or does not fall asleep.

void Publish(Counter& counter, uint64_t value) {
  counter.value.exchange(value, std::memory_order_seq_cst);
  WakeSleepers(counter);
}

void WakeSleepers(const Counter& counter) {
  if (counter.sleepers.load(std::memory_order_seq_cst) != 0) FutexWakeAll(counter.value);
}

WaitPolicy WaitPolicy::For(int threads) {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  const bool known = ::sched_getaffinity(0, sizeof processors, &processors) == 0;
  const int count = known ? CPU_COUNT(&processors) : 1;
  // 1000 turns are 10 to 50 us, the length of a chunk's copy; 30 are about one microsecond, what a
  // yield costs anyway.
  return WaitPolicy{threads <= count ? 1000 : 30};
}

namespace internal {

void PauseProcessor() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");  // `yield` does nothing on most cores; isb waits some 10 ns
#endif
}

void YieldProcessor() { ::sched_yield(); }

void SleepUnlessReached(Counter& counter, uint64_t target, std::chrono::nanoseconds limit) {
  counter.sleepers.fetch_add(1, std::memory_order_seq_cst);
  const uint64_t seen = counter.value.load(std::memory_order_seq_cst);
  if (seen < target) FutexWait(counter.value, seen, limit);
  counter.sleepers.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace internal
}  // namespace flexmig::shm
