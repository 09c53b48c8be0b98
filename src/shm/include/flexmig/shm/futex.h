#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace flexmig::shm {

// A futex that works between processes, on the low half of a 64-bit word in shared memory.
// std::atomic::wait must not be used there: libstdc++ 12 waits on a process-private futex, and a
// store in another process never wakes it.

// Sleeps while the low 32 bits of `word` equal those of `seen`, at most `limit`. May return at any
// time: the caller looks again.
void FutexWait(const std::atomic<uint64_t>& word, uint64_t seen, std::chrono::nanoseconds limit);

// Wakes everybody who sleeps on `word`, in any process.
void FutexWakeAll(const std::atomic<uint64_t>& word);

}  // namespace flexmig::shm
