#pragma once

#include <csignal>
#include <optional>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig::agent {

// Turns the signals that a user sends to a launcher into readable events, so that none of them can
// end it between two steps: SIGINT, SIGTERM, SIGHUP, SIGQUIT (which ask it to end), SIGUSR1,
// SIGUSR2, SIGTSTP, SIGCONT. A signal that was ignored when the process started (nohup, a
// background job of a shell script) stays ignored.
//
// Blocks them for the calling thread from Create to destruction.
// Threading: one owner, in a process of one thread.
class SignalWatch {
 public:
  static Result<SignalWatch> Create();
  SignalWatch(SignalWatch&&) noexcept = default;
  SignalWatch& operator=(SignalWatch&&) = delete;
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

  // Readable while a signal is waiting. Close-on-exec.
  [[nodiscard]] int fd() const { return fd_.get(); }
  // The next signal, if any; does not block.
  [[nodiscard]] std::optional<int> Take();

  // The thread's signal mask before Create, for processes that it starts.
  [[nodiscard]] const sigset_t& original_mask() const { return original_mask_; }

  // Does what SIGTSTP would have done without the watch: the process stops, and this returns when
  // it is continued. Returns at once where the shell has no job control.
  void StopSelf() const;

 private:
  SignalWatch(UniqueFd fd, sigset_t original_mask)
      : fd_(std::move(fd)), original_mask_(original_mask) {}

  UniqueFd fd_;
  sigset_t original_mask_;
};

// Whether the signal asks a program to end: SIGINT, SIGTERM, SIGHUP, SIGQUIT.
[[nodiscard]] bool AsksToEnd(int signal_number);

}  // namespace flexmig::agent
