#pragma once

#include <functional>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/status.h"

namespace flexmig::agent {

// The living and zombie children of this process of one thread. Until it reaps them their ids
// cannot name other processes, which is why only children are killed by id, never grandchildren:
// in a subreaper (PR_SET_CHILD_SUBREAPER) those become children when their parents end.
// Errors: kUnimplemented if the kernel does not list children (CONFIG_PROC_CHILDREN).
Result<std::vector<pid_t>> Children();

// Reaps the children that have ended, telling `on_end` the id and wait status of each. Returns
// false if no child is left, living or zombie. Does not block.
bool ReapChildren(const std::function<void(pid_t pid, int wait_status)>& on_end);

// Sends SIGKILL to every child. To end a whole tree: repeat this and ReapChildren until that
// returns false.
void KillChildren();

// Does so, and returns when nothing is left: milliseconds, unless the kernel cannot end a process
// at once (state D in proc(5)); then as long as that takes, because it still occupies its leaf.
void EndAllChildren();

// The exit code of a shell for a wait status: the exit status, or 128 + signal.
[[nodiscard]] int ExitCodeOfWait(int wait_status);

// "exited with status 3", "was killed by signal 9 (Killed)".
[[nodiscard]] std::string DescribeWait(int wait_status);

}  // namespace flexmig::agent
