#include "process_tree.h"

#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/deadline.h"
#include "flexmig/base/file.h"
#include "flexmig/base/process.h"
#include "flexmig/base/strings.h"

namespace flexmig::test {

using std::chrono::milliseconds;

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = Deadline::After(Bound(std::chrono::seconds(20)));
  while (!condition()) {
    if (deadline.HasPassed()) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

namespace {

// Reaps whatever has ended, orphans included. Returns the wait statuses of all processes so far: a
// test may have several trees, any of which may reap the root of another.
const std::map<pid_t, int>& Reap() {
  static std::map<pid_t, int> statuses;
  int status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) statuses[pid] = status;
  return statuses;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = std::filesystem::temp_directory_path() / "flexmig-test-XXXXXX";
  FLEXMIG_CHECK(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ProcessTree::ProcessTree(const Files& files, const std::function<int()>& body) {
  FLEXMIG_CHECK(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  root_ = ::fork();
  if (root_ != 0) return;
  const auto redirect = [](const std::string& path, int flags, int target) {
    if (path.empty()) return;
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    FLEXMIG_CHECK(fd >= 0 && ::dup2(fd, target) == target);
    ::close(fd);
  };
  constexpr int kWrite = O_WRONLY | O_CREAT | O_APPEND;
  redirect(files.standard_input, O_RDONLY, STDIN_FILENO);
  redirect(files.standard_output, kWrite, STDOUT_FILENO);
  redirect(files.standard_error, kWrite, STDERR_FILENO);
  ::_exit(body());
}

ProcessTree::~ProcessTree() {
  while (!IsGoneWithin(milliseconds(0))) {
    for (const pid_t pid : Alive()) ::kill(pid, SIGKILL);
    std::this_thread::sleep_for(milliseconds(1));
  }
}

std::vector<pid_t> ProcessTree::Alive() const {
  std::vector<pid_t> alive;
  for (const pid_t pid : DescendantsOf(::getpid())) {
    const auto stat = ReadFile(StrCat("/proc/", pid, "/stat"));
    if (!stat.ok()) continue;
    const size_t name_end = stat->rfind(')');
    if (name_end != std::string::npos && stat->compare(name_end, 3, ") Z") != 0) {
      alive.push_back(pid);
    }
  }
  return alive;
}

int ProcessTree::ExitCode() {
  const bool ended = Eventually([this] { return Reap().contains(root_); });
  if (!ended) return -1;
  const int status = Reap().at(root_);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool ProcessTree::IsGoneWithin(milliseconds bound) {
  const auto deadline = Deadline::After(bound);
  while (true) {
    Reap();
    // A snapshot can miss a process that changes its parent meanwhile; two cannot.
    if (DescendantsOf(::getpid()).empty() && DescendantsOf(::getpid()).empty()) return true;
    if (deadline.HasPassed()) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
}

std::string NameOf(pid_t pid) {
  const auto name = ReadFile(StrCat("/proc/", pid, "/comm"));
  return name.ok() ? std::string(StripWhitespace(*name)) : "";
}

}  // namespace flexmig::test
