#include "flexmig/shm/futex.h"

#include <bit>
#include <climits>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace flexmig::shm {

static_assert(std::endian::native == std::endian::little,
              "the futex word is the low half of the counter, at the counter's own address");
static_assert(std::atomic<uint64_t>::is_always_lock_free);

void FutexWait(const std::atomic<uint64_t>& word, uint64_t seen, std::chrono::nanoseconds limit) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(limit);
  timespec timeout{};
  timeout.tv_sec = seconds.count();
  timeout.tv_nsec = (limit - seconds).count();
  // Every failure (EAGAIN, EINTR, ETIMEDOUT) is a return for the caller to look again.
  ::syscall(SYS_futex, &word, FUTEX_WAIT, static_cast<uint32_t>(seen), &timeout, nullptr, 0);
}

void FutexWakeAll(const std::atomic<uint64_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace flexmig::shm
