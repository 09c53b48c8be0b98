#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig {

// A descriptor that becomes readable when the process has ended (pidfd_open(2)); unlike a bare
// process id it can never name a later process. Close-on-exec.
// Errors: kNotFound if there is no such process, kUnimplemented before Linux 5.3.
Result<UniqueFd> OpenPidFd(pid_t pid);

// True once the process behind `pidfd` has ended (a zombie has). Does not block.
[[nodiscard]] bool HasExited(const UniqueFd& pidfd);

// When the process started, in clock ticks since boot (field 22 of /proc/<pid>/stat): together with
// the id it names one process for the time of the boot.
// Errors: kNotFound if there is no such process.
Result<uint64_t> ProcessStartTicks(pid_t pid);

// All living and zombie descendants of `pid`, children before grandchildren, from
// /proc/<pid>/task/*/children. A snapshot: processes may come and go meanwhile.
[[nodiscard]] std::vector<pid_t> DescendantsOf(pid_t pid);

}  // namespace flexmig
