#include "children.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::agent {

Result<std::vector<pid_t>> Children() {
  const auto text = ReadFile(StrCat("/proc/self/task/", ::getpid(), "/children"));
  if (!text.ok()) {
    return UnimplementedError(
        StrCat(text.status().message(), ": needs /proc and a kernel with CONFIG_PROC_CHILDREN"));
  }
  std::vector<pid_t> children;
  for (const auto field : StrSplit(StripWhitespace(*text), ' ')) {
    const auto pid = ParseInt(field, 1, INT32_MAX);
    if (pid.ok()) children.push_back(static_cast<pid_t>(*pid));
  }
  return children;
}

bool ReapChildren(const std::function<void(pid_t, int)>& on_end) {
  while (true) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid == 0) return true;
    if (pid > 0) {
      on_end(pid, status);
    } else if (errno != EINTR) {
      return false;  // ECHILD
    }
  }
}

void KillChildren() {
  const auto children = Children();
  if (!children.ok()) return;
  for (const pid_t pid : *children) ::kill(pid, SIGKILL);
}

void EndAllChildren() {
  constexpr auto kPoll = std::chrono::milliseconds(1);  // one generation of a tree each
  while (ReapChildren([](pid_t, int) {})) {
    KillChildren();
    std::this_thread::sleep_for(kPoll);
  }
}

int ExitCodeOfWait(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

std::string DescribeWait(int wait_status) {
  if (!WIFSIGNALED(wait_status)) return StrCat("exited with status ", WEXITSTATUS(wait_status));
  const int signal_number = WTERMSIG(wait_status);
  return StrCat("was killed by signal ", signal_number, " (", ::strsignal(signal_number), ")");
}

}  // namespace flexmig::agent
