#include "keeper.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flexmig/base/io.h"
#include "flexmig/base/strings.h"

#include "children.h"

namespace flexmig::agent {

namespace {

using std::chrono::milliseconds;

// A begun line that people may be waiting for, such as a prompt or a row of dots.
constexpr auto kShowPartialAfter = milliseconds(100);
// Bounds the memory for a reader that is slower than the ranks; their writes wait beyond it.
constexpr size_t kMaxBacklogBytes = 256 << 10;
constexpr size_t kReadBytes = 64 << 10;
// A pipe holds at most 1 MiB (fs.pipe-max-size); a writer that never ends must not hold us.
constexpr int kMaxReadsToTheEnd = 16;
// How often children are killed again while some are left: one generation of a tree each time.
constexpr auto kKillAgainAfter = milliseconds(5);
// For the rest of the output once the user has asked to end.
constexpr auto kFlushAfterSignal = std::chrono::seconds(1);
constexpr auto kLongestPoll = std::chrono::minutes(1);

bool AreSameFile(int a, int b) {
  struct stat first {
  }, second{};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

Result<UniqueFd> WatchChildren() {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  if (::sigprocmask(SIG_BLOCK, &child, nullptr) != 0) return ErrnoError(errno, "sigprocmask");
  UniqueFd fd(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return ErrnoError(errno, "signalfd");
  return fd;
}

void Discard(int fd) {
  char bytes[8 * sizeof(signalfd_siginfo)];
  while (::read(fd, bytes, sizeof bytes) > 0) {
  }
}

}  // namespace

Keeper::Keeper(const GangSpec& spec, const InheritedSignals& inherited, UniqueFd control,
               UniqueFd report)
    : spec_(spec),
      inherited_(inherited),
      control_(std::move(control)),
      report_(std::move(report)),
      ranks_(spec.ranks.size()) {
  sinks_.push_back({OutputFile(STDOUT_FILENO), LineMixer(spec.prefix)});
  // Two sinks on one terminal would not know in whose line it stands.
  if (!AreSameFile(STDOUT_FILENO, STDERR_FILENO)) {
    sinks_.push_back({OutputFile(STDERR_FILENO), LineMixer(spec.prefix)});
  }
}

void Keeper::Run() {
  start_status_ = Start();
  if (!start_status_.ok()) BeginKilling();
  while (phase_ != Phase::kFlushing || !FlushingIsDone()) WaitForEvents();
}

Status Keeper::Start() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return ErrnoError(errno, "prctl");
  FLEXMIG_ASSIGN_OR_RETURN(child_events_, WatchChildren());
  FLEXMIG_ASSIGN_OR_RETURN(starter_, RankStarter::Create(spec_.command, &inherited_));
  const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing.valid()) return ErrnoError(errno, "/dev/null");
  for (size_t r = 0; r < ranks_.size(); ++r) {
    const bool takes_stdin = r == 0 && ::isatty(STDIN_FILENO) == 0;
    FLEXMIG_ASSIGN_OR_RETURN(RankProcess process,
                             starter_->Fork(static_cast<int>(r), spec_.ranks[r].variables,
                                            takes_stdin ? STDIN_FILENO : nothing.get()));
    ranks_[r].pid = process.pid;
    ++ranks_running_;
    UniqueFd* const outputs[2] = {&process.output, &process.error};
    for (size_t i = 0; i < 2; ++i) {
      const size_t sink = std::min(i, sinks_.size() - 1);
      ranks_[r].streams[i] = streams_.size();
      streams_.push_back({.fd = std::move(*outputs[i]),
                          .sink = sink,
                          .number = sinks_[sink].mixer.AddStream(StrCat("[", r, "] "))});
    }
  }
  // The writer of a pipe shall learn from SIGPIPE that rank 0 reads no more.
  ::dup2(nothing.get(), STDIN_FILENO);
  for (size_t r = 0; r < ranks_.size(); ++r) {
    if (spec_.on_rank_started) {
      FLEXMIG_RETURN_IF_ERROR(spec_.on_rank_started(Rank(static_cast<int>(r)), ranks_[r].pid));
    }
    if (spec_.verbose) {
      Say(StrCat("rank ", r, ": ", spec_.ranks[r].leaf, ", process ", ranks_[r].pid));
    }
  }
  starter_->Go(static_cast<int>(ranks_.size()));
  return OkStatus();
}

void Keeper::WaitForEvents() {
  std::vector<pollfd> polled;
  const auto poll_for = [&](int fd, short events) {
    polled.push_back({fd, events, 0});  // poll() passes over a negative descriptor
  };
  poll_for(control_.get(), POLLIN);
  poll_for(child_events_.get(), POLLIN);
  poll_for(starter_ ? starter_->failures_fd() : -1, POLLIN);
  for (const Sink& sink : sinks_) {
    poll_for(sink.mixer.pending().empty() ? -1 : sink.file.fd(), POLLOUT);
  }
  const size_t first_stream = polled.size();
  for (const Stream& stream : streams_) {
    const bool full = sinks_[stream.sink].mixer.pending().size() >= kMaxBacklogBytes;
    poll_for(full ? -1 : stream.fd.get(), POLLIN);
  }
  // EINTR and time-out alike leave all results to the calls below, none of which blocks.
  const int ready =
      ::poll(polled.data(), polled.size(), static_cast<int>(TimeToNextTimer().count()));
  if (ready > 0) {
    if (polled[0].revents != 0) OnControl();
    if (polled[2].revents != 0) OnExecFailures();
    if (polled[1].revents != 0) Discard(child_events_.get());
    for (size_t i = 0; i < streams_.size(); ++i) {
      if (polled[first_stream + i].revents != 0) ReadStream(streams_[i], false);
    }
  }
  OnChildren();
  OnTimers();
  for (size_t i = 0; i < sinks_.size(); ++i) WriteSink(i);
}

milliseconds Keeper::TimeToNextTimer() const {
  milliseconds time = kLongestPoll;
  if (phase_ == Phase::kStopping) time = kill_at_.Remaining(time);
  if (phase_ == Phase::kKilling) time = std::min(time, kKillAgainAfter);
  if (phase_ == Phase::kFlushing) time = flush_until_.Remaining(time);
  for (const Stream& stream : streams_) {
    if (stream.flush_at) time = stream.flush_at->Remaining(time);
  }
  return time;
}

void Keeper::OnTimers() {
  for (Stream& stream : streams_) {
    if (!stream.flush_at || !stream.flush_at->HasPassed()) continue;
    sinks_[stream.sink].mixer.FlushPartial(stream.number);
    stream.flush_at.reset();
  }
  if (phase_ == Phase::kStopping && kill_at_.HasPassed()) {
    std::vector<std::string> running;
    for (size_t r = 0; r < ranks_.size(); ++r) {
      if (!ranks_[r].ended) running.push_back(StrCat(r));
    }
    Say(StrCat("killing rank", running.size() > 1 ? "s " : " ", StrJoin(running, ", "),
               ", which did not end in time"));
    BeginKilling();
  }
}

void Keeper::OnControl() {
  char bytes[64];
  const ssize_t n = ::read(control_.get(), bytes, sizeof bytes);
  if (n > 0) {
    for (ssize_t i = 0; i < n; ++i) OnSignalOfUser(bytes[i]);
  } else if (n == 0) {
    front_died_ = true;
    control_.Reset();
    if (phase_ < Phase::kKilling) BeginKilling();
  }
}

void Keeper::OnSignalOfUser(int signal_number) {
  if (!AsksToEnd(signal_number)) {
    SignalRanks(signal_number);
    return;
  }
  switch (phase_) {
    case Phase::kRunning:
      signal_of_user_ = signal_number;
      SignalRanks(signal_number);
      BeginStopping(spec_.signal_grace);
      return;
    case Phase::kStopping:
      if (!signal_of_user_) signal_of_user_ = signal_number;
      BeginKilling();
      return;
    case Phase::kKilling:
      if (!signal_of_user_) signal_of_user_ = signal_number;
      return;
    case Phase::kFlushing: flush_until_ = Deadline::After(milliseconds(0)); return;
  }
}

void Keeper::OnChildren() {
  if (phase_ == Phase::kFlushing) return;
  std::vector<std::pair<size_t, int>> ended;
  const bool some_left = ReapChildren([&](pid_t pid, int wait_status) {
    for (size_t r = 0; r < ranks_.size(); ++r) {
      if (ranks_[r].pid == pid && !ranks_[r].ended) ended.emplace_back(r, wait_status);
    }
  });
  // Of those that ended since the last look, one that was killed comes first: the others may have
  // failed because of it, as peers of a collective do.
  std::stable_partition(ended.begin(), ended.end(),
                        [](const auto& rank) { return WIFSIGNALED(rank.second); });
  for (const auto& [rank, wait_status] : ended) OnRankEnd(rank, wait_status);
  if (phase_ < Phase::kKilling && ranks_running_ == 0) BeginKilling();
  if (phase_ != Phase::kKilling) return;
  if (some_left) {
    KillChildren();
  } else {
    BeginFlushing();
  }
}

void Keeper::OnExecFailures() {
  while (const auto failure = starter_->TakeFailure()) {
    ranks_[static_cast<size_t>(failure->rank)].exec_error = failure->error_number;
  }
}

void Keeper::OnRankEnd(size_t rank, int wait_status) {
  RankState& state = ranks_[rank];
  state.ended = true;
  --ranks_running_;
  OnExecFailures();  // written before the process ended
  const int exit_code = ExitCodeOfWait(wait_status);
  if (exit_code == 0 || first_failure_ || phase_ == Phase::kKilling) return;
  first_failure_ = exit_code;
  // Its last words come before ours about it.
  for (const size_t stream : state.streams) ReadStream(streams_[stream], true);
  if (state.exec_error != 0) {
    Say(StrCat("cannot run '", spec_.command[0], "': ", std::strerror(state.exec_error)));
  } else if (!signal_of_user_) {
    const std::string others =
        ranks_running_ == 1 ? "the other rank" : StrCat("the other ", ranks_running_, " ranks");
    Say(StrCat("rank ", rank, " (process ", state.pid, ", ", spec_.ranks[rank].leaf, ") ",
               DescribeWait(wait_status), ranks_running_ > 0 ? "; stopping " + others : ""));
  }
  // After a user's signal the ranks keep the longer time that they were given.
  if (phase_ == Phase::kRunning) {
    SignalRanks(SIGTERM);
    BeginStopping(spec_.failure_grace);
  }
}

void Keeper::SignalRanks(int signal_number) {
  for (const RankState& rank : ranks_) {
    // Until it is reaped, its id cannot name another process group.
    if (rank.pid > 0 && !rank.ended) ::kill(-rank.pid, signal_number);
  }
}

void Keeper::BeginStopping(milliseconds grace) {
  SignalRanks(SIGCONT);  // a stopped process would not notice
  kill_at_ = Deadline::After(grace);
  phase_ = Phase::kStopping;
}

void Keeper::BeginKilling() {
  if (ranks_running_ > 0 && !first_failure_ && signal_of_user_) {
    first_failure_ = 128 + *signal_of_user_;
  }
  phase_ = Phase::kKilling;
  KillChildren();
}

void Keeper::BeginFlushing() {
  for (Stream& stream : streams_) {
    ReadStream(stream, true);
    stream.fd.Reset();
    stream.flush_at.reset();
  }
  for (Sink& sink : sinks_) sink.mixer.Finish();
  if (spec_.on_ranks_gone) spec_.on_ranks_gone();
  KeeperReport report;
  report.exit_code = first_failure_.value_or(0);
  report.code = start_status_.code();
  start_status_.message().copy(report.message, sizeof report.message - 1);
  // If nobody reads it any more, the front has died.
  front_died_ = front_died_ || !WriteAll(report_.get(), &report, sizeof report).ok();
  if (signal_of_user_) flush_until_ = Deadline::After(kFlushAfterSignal);
  phase_ = Phase::kFlushing;
}

bool Keeper::FlushingIsDone() const {
  return front_died_ || flush_until_.HasPassed() ||
         std::all_of(sinks_.begin(), sinks_.end(),
                     [](const Sink& sink) { return sink.mixer.pending().empty(); });
}

void Keeper::ReadStream(Stream& stream, bool to_the_end) {
  char bytes[kReadBytes];
  LineMixer& mixer = sinks_[stream.sink].mixer;
  for (int i = 0; i < (to_the_end ? kMaxReadsToTheEnd : 1) && stream.fd.valid(); ++i) {
    const ssize_t n = ::read(stream.fd.get(), bytes, sizeof bytes);
    if (n < 0) {
      if (errno == EINTR) continue;
      break;  // EAGAIN
    }
    if (n == 0) stream.fd.Reset();
    mixer.Add(stream.number, {bytes, static_cast<size_t>(n)});
  }
  if (!stream.fd.valid() || to_the_end) mixer.FlushPartial(stream.number);
  if (!mixer.HasPartial(stream.number)) {
    stream.flush_at.reset();
  } else if (!stream.flush_at) {
    stream.flush_at = Deadline::After(kShowPartialAfter);
  }
}

void Keeper::WriteSink(size_t index) {
  Sink& sink = sinks_[index];
  while (!sink.mixer.pending().empty()) {
    if (sink.broken) {
      sink.mixer.Consume(sink.mixer.pending().size());
      return;
    }
    const auto written = sink.file.Write(sink.mixer.pending());
    if (written.ok() && *written == 0) return;
    if (written.ok()) {
      sink.mixer.Consume(*written);
      continue;
    }
    // Nobody reads any more: let those who write learn it in the usual way, by SIGPIPE.
    sink.broken = true;
    for (Stream& stream : streams_) {
      if (stream.sink == index) stream.fd.Reset();
    }
  }
}

void Keeper::Say(std::string_view text) {
  sinks_.back().mixer.AddLine(StrCat("flexmig run: ", text));
}

}  // namespace flexmig::agent
