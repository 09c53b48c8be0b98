#include "rank_process.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "flexmig/base/io.h"
#include "flexmig/base/strings.h"

namespace flexmig::agent {

namespace {

Status MakePipe(UniqueFd& read_end, UniqueFd& write_end, int read_flags) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return ErrnoError(errno, "pipe");
  read_end.Reset(fds[0]);
  write_end.Reset(fds[1]);
  if (read_flags != 0 && ::fcntl(fds[0], F_SETFL, read_flags) != 0) {
    return ErrnoError(errno, "fcntl");
  }
  return OkStatus();
}

// This process's environment with `variables` in place of what it says about them.
std::vector<std::string> MergedEnvironment(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!variables.contains(std::string(text.substr(0, text.find('='))))) merged.emplace_back(text);
  }
  for (const auto& [name, value] : variables) merged.push_back(StrCat(name, "=", value));
  return merged;
}

}  // namespace

InheritedSignals::InheritedSignals(const sigset_t& mask) : mask_(mask) {
  for (size_t i = 0; i < std::size(kChanged); ++i) {
    struct sigaction action {};
    action.sa_handler = kChanged[i] == SIGCHLD ? SIG_DFL : SIG_IGN;
    ::sigaction(kChanged[i], &action, &actions_[i]);
  }
}

void InheritedSignals::RestoreActions() const {
  for (size_t i = 0; i < std::size(kChanged); ++i) ::sigaction(kChanged[i], &actions_[i], nullptr);
}

void InheritedSignals::RestoreAll() const {
  RestoreActions();
  ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
}

Result<RankStarter> RankStarter::Create(const std::vector<std::string>& command,
                                        const InheritedSignals* inherited) {
  RankStarter starter;
  for (const auto& argument : command) {
    starter.arguments_.push_back(const_cast<char*>(argument.c_str()));  // execvp() is old C
  }
  starter.arguments_.push_back(nullptr);
  starter.inherited_ = inherited;
  FLEXMIG_RETURN_IF_ERROR(MakePipe(starter.go_read_, starter.go_write_, 0));
  FLEXMIG_RETURN_IF_ERROR(MakePipe(starter.failures_read_, starter.failures_write_, O_NONBLOCK));
  return starter;
}

Result<RankProcess> RankStarter::Fork(int rank, const std::map<std::string, std::string>& variables,
                                      int stdin_fd) {
  RankProcess process;
  UniqueFd output, error;  // the process's ends
  FLEXMIG_RETURN_IF_ERROR(MakePipe(process.output, output, O_NONBLOCK));
  FLEXMIG_RETURN_IF_ERROR(MakePipe(process.error, error, O_NONBLOCK));
  std::vector<std::string> merged = MergedEnvironment(variables);
  std::vector<char*> environment;
  environment.reserve(merged.size() + 1);
  for (auto& entry : merged) environment.push_back(entry.data());
  environment.push_back(nullptr);
  const int fds[3] = {stdin_fd, output.get(), error.get()};
  const pid_t parent = ::getpid();
  process.pid = ::fork();
  if (process.pid < 0) return ErrnoError(errno, StrCat("cannot start rank ", rank, ": fork"));
  if (process.pid == 0) RunChild(rank, environment.data(), fds, parent);
  // In both processes, because either may come first; it fails only if the child has done it and
  // executed its command.
  ::setpgid(process.pid, process.pid);
  return process;
}

void RankStarter::RunChild(int rank, char** environment, const int (&fds)[3], pid_t parent) {
  ::prctl(PR_SET_NAME, "flexmig-rank");  // until exec
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above.
  if (::getppid() != parent) ::_exit(1);
  ::setpgid(0, 0);
  for (int i = 0; i < 3; ++i) {
    // The copy stays open through exec. Only stdin can be in place already.
    if (fds[i] != i && ::dup2(fds[i], i) < 0) ::_exit(1);
  }
  // Without this every process would keep the pipe of those before it from reaching its end.
  go_write_.Reset();
  char go = 0;
  if (::read(go_read_.get(), &go, 1) != 1) ::_exit(1);
  inherited_->RestoreAll();
  environ = environment;
  ::execvp(arguments_[0], arguments_.data());
  const Failure failure{rank, errno};
  // Below PIPE_BUF, so whole or not at all; without it the exit code still says as much.
  const Status written = WriteAll(failures_write_.get(), &failure, sizeof failure);
  ::_exit(written.ok() ? ExitCodeOfExec(failure.error_number) : 126);
}

void RankStarter::Go(int count) {
  const std::string bytes(static_cast<size_t>(count), 'g');
  // A pipe holds 64 KiB, so this does not block; and it cannot fail while the read end is ours.
  const Status written = WriteAll(go_write_.get(), bytes.data(), bytes.size());
  FLEXMIG_CHECK(written.ok());
  go_write_.Reset();
  failures_write_.Reset();
}

std::optional<RankStarter::Failure> RankStarter::TakeFailure() {
  if (!failures_read_.valid()) return std::nullopt;
  Failure failure;
  ssize_t n = 0;
  do {
    n = ::read(failures_read_.get(), &failure, sizeof failure);
  } while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(sizeof failure)) return failure;
  if (n == 0) failures_read_.Reset();
  return std::nullopt;
}

int ExitCodeOfExec(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR ? 127 : 126;
}

}  // namespace flexmig::agent
