#include "cpus.h"

#include <cerrno>
#include <vector>

#include <sched.h>

#include "flexmig/base/strings.h"

namespace flexmig::perf {

namespace {

// Ascending. Asked for once: pinning narrows the mask.
const std::vector<int>& AllowedCpus() {
  static const std::vector<int> cpus = [] {
    std::vector<int> allowed;
    cpu_set_t mask;
    if (::sched_getaffinity(0, sizeof mask, &mask) != 0) CPU_SET(0, &mask);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(static_cast<size_t>(cpu), &mask)) allowed.push_back(cpu);
    }
    return allowed;
  }();
  return cpus;
}

}  // namespace

int AllowedCpuCount() { return static_cast<int>(AllowedCpus().size()); }

Status PinToCpuOf(int rank) {
  const int cpu = AllowedCpus()[static_cast<size_t>(rank % AllowedCpuCount())];
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(static_cast<size_t>(cpu), &mask);
  if (::sched_setaffinity(0, sizeof mask, &mask) != 0) {
    const int error = errno;
    return ErrnoError(error, StrCat("binding rank ", rank, " to CPU ", cpu));
  }
  return OkStatus();
}

}  // namespace flexmig::perf
