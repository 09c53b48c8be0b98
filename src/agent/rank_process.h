#pragma once

#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig::agent {

// Makes this process fit to supervise others (SIGCHLD reported, SIGPIPE and SIGTTOU ignored), and
// remembers how it was started, because ignored signals are inherited through exec.
class InheritedSignals {
 public:
  // `mask` is the signal mask for the ranks.
  explicit InheritedSignals(const sigset_t& mask);
  InheritedSignals(const InheritedSignals&) = delete;
  InheritedSignals& operator=(const InheritedSignals&) = delete;
  ~InheritedSignals() { RestoreActions(); }

  // For a rank before exec.
  void RestoreAll() const;

 private:
  void RestoreActions() const;

  static constexpr int kChanged[] = {SIGCHLD, SIGPIPE, SIGTTOU};
  struct sigaction actions_[3];
  sigset_t mask_;
};

// A process that is forked but has not run its command yet.
struct RankProcess {
  pid_t pid = 0;
  UniqueFd output;  // read ends, non-blocking
  UniqueFd error;
};

// Starts the processes of one gang in two steps, so that either all of them run or none.
// Threading: one owner, in a process of one thread.
class RankStarter {
 public:
  // A command that could not be executed.
  struct Failure {
    int rank = 0;
    int error_number = 0;
  };

  // `inherited` has to outlive the starter.
  static Result<RankStarter> Create(const std::vector<std::string>& command,
                                    const InheritedSignals* inherited);

  // Forks a process that leads its own process group, dies with this process, and waits for Go.
  // Its stdin is `stdin_fd`. Errors: kResourceExhausted, kUnavailable (EAGAIN).
  Result<RankProcess> Fork(int rank, const std::map<std::string, std::string>& variables,
                           int stdin_fd);

  // Lets the first `count` processes execute the command.
  void Go(int count);

  // Readable when a failure is known; at its end once every process executes or has failed.
  [[nodiscard]] int failures_fd() const { return failures_read_.get(); }
  // Does not block. Closes failures_fd() at its end.
  std::optional<Failure> TakeFailure();

 private:
  RankStarter() = default;
  [[noreturn]] void RunChild(int rank, char** environment, const int (&fds)[3], pid_t parent);

  std::vector<char*> arguments_;  // points into the caller's command; ends in nullptr
  const InheritedSignals* inherited_ = nullptr;
  UniqueFd go_read_, go_write_;              // a byte for each process that may run
  UniqueFd failures_read_, failures_write_;  // write ends close on exec
};

// The exit code of a shell for a command that execve(2) refused: 127 if it does not exist, else
// 126.
[[nodiscard]] int ExitCodeOfExec(int error_number);

}  // namespace flexmig::agent
