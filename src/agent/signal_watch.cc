#include "flexmig/agent/signal_watch.h"

#include <cerrno>

#include <sys/signalfd.h>
#include <unistd.h>

namespace flexmig::agent {

Result<SignalWatch> SignalWatch::Create() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal_number :
       {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT}) {
    struct sigaction action {};
    if (::sigaction(signal_number, nullptr, &action) != 0) return ErrnoError(errno, "sigaction");
    // A blocked signal is queued even while it is ignored, so it must not be blocked.
    if (action.sa_handler != SIG_IGN) ::sigaddset(&watched, signal_number);
  }
  UniqueFd fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return ErrnoError(errno, "signalfd");
  sigset_t original;
  if (::sigprocmask(SIG_BLOCK, &watched, &original) != 0) return ErrnoError(errno, "sigprocmask");
  return SignalWatch(std::move(fd), original);
}

SignalWatch::~SignalWatch() {
  if (fd_.valid()) ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
}

std::optional<int> SignalWatch::Take() {
  signalfd_siginfo info{};
  ssize_t n = 0;
  do {
    n = ::read(fd_.get(), &info, sizeof info);
  } while (n < 0 && errno == EINTR);
  if (n != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void SignalWatch::StopSelf() const {
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTSTP);
  ::raise(SIGTSTP);
  ::sigprocmask(SIG_UNBLOCK, &stop, nullptr);  // stops here
  ::sigprocmask(SIG_BLOCK, &stop, nullptr);
}

bool AsksToEnd(int signal_number) {
  return signal_number == SIGINT || signal_number == SIGTERM || signal_number == SIGHUP ||
         signal_number == SIGQUIT;
}

}  // namespace flexmig::agent
