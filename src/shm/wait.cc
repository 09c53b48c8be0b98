#include "flexmig/shm/wait.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "flexmig/shm/futex.h"

namespace flexmig::shm {
namespace {

bool Membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

void RegisterForFences() {
  // Idempotent; a forked child has to do it again, so it is done for every segment.
  internal::fences_arrive.store(Membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED),
                                std::memory_order_relaxed);
}

ProcessorSet AllowedProcessors() {
  ProcessorSet allowed;
  cpu_set_t processors;
  CPU_ZERO(&processors);
  if (::sched_getaffinity(0, sizeof processors, &processors) != 0) return allowed;
  for (size_t i = 0; i < allowed.size(); ++i) allowed[i] = CPU_ISSET(i, &processors) != 0;
  return allowed;
}

WaitPolicy WaitPolicy::For(int threads, int processors) {
  // With a processor for each thread nobody is kept from running: 20,000 turns are some 0.2 to 1
  // ms, the time of a few MiB; giving the processor away for less may cost a time slice of others.
  // With fewer, the one that is waited for may need this processor: 2 turns tell whether it is just
  // done.
  return WaitPolicy{threads <= processors ? 20000 : 2};
}

namespace internal {

std::atomic<bool> fences_arrive = false;

void WakeAll(const Counter& counter) { FutexWakeAll(counter.value); }

}  // namespace internal

void YieldProcessor() { ::sched_yield(); }

void Sleeper::SleepUnlessReached(Counter& counter, uint64_t target,
                                 std::chrono::nanoseconds limit) {
  if (counter_ != &counter) {
    Leave();
    counter.sleepers.fetch_add(1, std::memory_order_seq_cst);
    counter_ = &counter;
    // The fence of both sides: when it returns, every registered thread has either stored its value
    // for the loads below to see, or will see the count above. Once for all sleeps on this counter:
    // before each of the 200 slices of 2 s it took up to 65 ms on a busy virtual machine, 3 % of a
    // processor. Where it fails, a wake-up may be missed and the slice ends the sleep.
    static_cast<void>(Membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED));
  }
  const uint64_t seen = counter.value.load(std::memory_order_seq_cst);
  if (seen < target) FutexWait(counter.value, seen, limit);
}

}  // namespace flexmig::shm
