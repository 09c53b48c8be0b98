#include "flexmig/agent/gang.h"

#include <cerrno>
#include <csignal>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/deadline.h"
#include "flexmig/base/process.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/unique_fd.h"

#include "children.h"
#include "keeper.h"
#include "rank_process.h"

namespace flexmig::agent {

namespace {

// The front's side of the keeper.
struct KeeperProcess {
  pid_t pid = 0;
  UniqueFd ended;    // pidfd
  UniqueFd control;  // one byte for each signal to forward
  UniqueFd report;
};

Result<KeeperProcess> StartKeeper(const GangSpec& spec, const InheritedSignals& inherited) {
  int control[2], report[2];
  if (::pipe2(control, O_CLOEXEC) != 0) return ErrnoError(errno, "pipe");
  UniqueFd control_read(control[0]);
  KeeperProcess keeper;
  keeper.control.Reset(control[1]);
  if (::pipe2(report, O_CLOEXEC) != 0) return ErrnoError(errno, "pipe");
  keeper.report.Reset(report[0]);
  UniqueFd report_write(report[1]);

  keeper.pid = ::fork();
  if (keeper.pid < 0) return ErrnoError(errno, "cannot start the keeper: fork");
  if (keeper.pid == 0) {
    // A group of its own: what a terminal or `kill -- -<group>` sends reaches the front only.
    ::setpgid(0, 0);
    ::prctl(PR_SET_NAME, "flexmig-keeper");
    keeper.control.Reset();  // else the end of the front would go unseen
    keeper.report.Reset();
    Keeper(spec, inherited, std::move(control_read), std::move(report_write)).Run();
    ::_exit(0);
  }
  ::setpgid(keeper.pid, keeper.pid);
  auto pidfd = OpenPidFd(keeper.pid);
  if (!pidfd.ok()) {
    EndAllChildren();
    return pidfd.status();
  }
  keeper.ended = std::move(*pidfd);
  return keeper;
}

// Passes a signal on. A keeper that has ended meanwhile has no use for it.
void Forward(const KeeperProcess& keeper, int signal_number) {
  const char byte = static_cast<char>(signal_number);
  // Does not block: the pipe has room for 65536 signals.
  [[maybe_unused]] const auto written = ::write(keeper.control.get(), &byte, 1);
}

// The report, if there is one by now.
std::optional<KeeperReport> TakeReport(const KeeperProcess& keeper) {
  pollfd poller{keeper.report.get(), POLLIN, 0};
  KeeperReport report;
  if (::poll(&poller, 1, 0) != 1 ||
      ::read(keeper.report.get(), &report, sizeof report) != ssize_t{sizeof report}) {
    return std::nullopt;
  }
  return report;
}

// Waits for the keeper's end. Calls `on_ranks_gone` as soon as the keeper reports that.
std::optional<KeeperReport> ServeKeeper(const GangSpec& spec, SignalWatch& signals,
                                        const KeeperProcess& keeper) {
  std::optional<KeeperReport> report;
  int requests_to_end = 0;
  Deadline patience = Deadline::Never();  // with a keeper that does not react (stopped)
  while (true) {
    pollfd polled[] = {{signals.fd(), POLLIN, 0},
                       {keeper.ended.get(), POLLIN, 0},
                       {report ? -1 : keeper.report.get(), POLLIN, 0}};
    const auto timeout = patience.Remaining(std::chrono::minutes(1));
    ::poll(polled, std::size(polled), static_cast<int>(timeout.count()));
    const bool ended = HasExited(keeper.ended);  // before the report: it is written before the end
    if (!report) {
      report = TakeReport(keeper);
      if (report && spec.on_ranks_gone) spec.on_ranks_gone();
    }
    if (ended) return report;
    while (const auto signal_number = signals.Take()) {
      Forward(keeper, *signal_number);
      if (*signal_number == SIGTSTP) {
        signals.StopSelf();
        Forward(keeper, SIGCONT);
      }
      if (AsksToEnd(*signal_number) && ++requests_to_end == 2) {
        patience = Deadline::After(spec.signal_grace);
      }
    }
    if (patience.HasPassed()) {
      ::kill(keeper.pid, SIGKILL);
      patience = Deadline::Never();
    }
  }
}

}  // namespace

Result<GangResult> RunGang(const GangSpec& spec, SignalWatch& signals) {
  if (spec.command.empty() || spec.command[0].empty()) {
    return InvalidArgumentError("no command to run");
  }
  if (spec.ranks.empty()) return InvalidArgumentError("a gang of no ranks");
  FLEXMIG_RETURN_IF_ERROR(Children().status());
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return ErrnoError(errno, "prctl");
  const InheritedSignals inherited(signals.original_mask());
  FLEXMIG_ASSIGN_OR_RETURN(const KeeperProcess keeper, StartKeeper(spec, inherited));
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (nothing.valid()) ::dup2(nothing.get(), STDIN_FILENO);

  const auto report = ServeKeeper(spec, signals, keeper);
  int keeper_status = 0;
  while (::waitpid(keeper.pid, &keeper_status, 0) < 0 && errno == EINTR) {
  }
  // Nothing is left unless the keeper was killed.
  EndAllChildren();
  GangResult result;
  if (keeper_status != 0) {
    result.message = StrCat("the keeper (process ", keeper.pid, ") ", DescribeWait(keeper_status));
  }
  if (!report) {
    if (spec.on_ranks_gone) spec.on_ranks_gone();
    result.exit_code = keeper_status != 0 ? ExitCodeOfWait(keeper_status) : 1;
    result.message += "; all ranks were killed";
    return result;
  }
  if (keeper_status != 0) result.message += "; some output is lost";
  if (report->code != StatusCode::kOk) return Status(report->code, report->message);
  result.exit_code = report->exit_code;
  return result;
}

Status OpenMissingStandardFds() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free descriptor is the missing one.
    if (::open("/dev/null", O_RDWR) < 0) return ErrnoError(errno, "/dev/null");
  }
  return OkStatus();
}

}  // namespace flexmig::agent
