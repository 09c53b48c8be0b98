#include "flexmig/base/process.h"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig {

Result<UniqueFd> OpenPidFd(pid_t pid) {
  // glibc has pidfd_open() only from 2.36; the system call sets close-on-exec itself.
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd >= 0) return UniqueFd(fd);
  const int error = errno;
  if (error == ESRCH) return NotFoundError(StrCat("no process ", pid));
  if (error == ENOSYS) return UnimplementedError("pidfd_open needs Linux 5.3 or later");
  return ErrnoError(error, "pidfd_open");
}

bool HasExited(const UniqueFd& pidfd) {
  pollfd poller{pidfd.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&poller, 1, 0);
  } while (ready < 0 && errno == EINTR);
  return ready == 1;
}

Result<uint64_t> ProcessStartTicks(pid_t pid) {
  auto stat = ReadFile(StrCat("/proc/", pid, "/stat"));
  if (!stat.ok()) return NotFoundError(StrCat("no process ", pid));
  // Field 2 is the program's name in parentheses and may itself hold spaces and parentheses.
  const size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos) return NotFoundError(StrCat("no process ", pid));
  const auto fields = StrSplit(std::string_view(*stat).substr(name_end + 2), ' ');
  constexpr size_t kStartTime = 22 - 3;  // fields[0] is field 3, the state
  if (fields.size() <= kStartTime) return InternalError(StrCat("/proc/", pid, "/stat is short"));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t ticks, ParseInt(fields[kStartTime], 0, INT64_MAX));
  return static_cast<uint64_t>(ticks);
}

std::vector<pid_t> DescendantsOf(pid_t pid) {
  std::vector<pid_t> found;
  std::vector<pid_t> parents{pid};
  for (size_t next = 0; next < parents.size(); ++next) {
    const std::filesystem::path tasks = StrCat("/proc/", parents[next], "/task");
    std::error_code error;  // a process that ended meanwhile has no children left to report
    for (const auto& task : std::filesystem::directory_iterator(tasks, error)) {
      const auto children = ReadFile(task.path() / "children");
      if (!children.ok()) continue;
      for (const auto child : StrSplit(StripWhitespace(*children), ' ')) {
        const auto value = ParseInt(child, 1, INT32_MAX);
        if (!value.ok()) continue;
        found.push_back(static_cast<pid_t>(*value));
        parents.push_back(static_cast<pid_t>(*value));
      }
    }
  }
  return found;
}

}  // namespace flexmig
