#include "flexmig/agent/run_log.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/io.h"
#include "flexmig/base/strings.h"
#include "flexmig/sched/event_log_text.h"

namespace flexmig::agent {

namespace {

Result<std::string> ReadFrom(int fd, int64_t offset, const std::filesystem::path& path) {
  std::string text;
  char block[16384];
  while (true) {
    const ssize_t n = ::pread(fd, block, sizeof block, offset + static_cast<int64_t>(text.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(errno, path.native());
    if (n == 0) return text;
    text.append(block, static_cast<size_t>(n));
  }
}

bool StartsOrEnds(const sched::Event& event) {
  const auto* tick = std::get_if<sched::TickEvent>(&event.what);
  return tick == nullptr || !tick->decisions.empty();
}

}  // namespace

Result<RunLog> RunLog::Create(std::filesystem::path path, sched::SchedulerSetup setup) {
  FLEXMIG_ASSIGN_OR_RETURN(sched::Scheduler scheduler, sched::MakeScheduler(setup));
  return RunLog(std::move(path), std::move(setup), std::move(scheduler));
}

RunLog::RunLog(std::filesystem::path path, sched::SchedulerSetup setup, sched::Scheduler scheduler)
    : path_(std::move(path)),
      setup_(std::move(setup)),
      scheduler_(std::move(scheduler)),
      lost_(setup_.inventory.leaves.size()) {}

Status RunLog::OpenFile() {
  const std::string header = sched::FormatSetup(setup_);
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) {
    if (errno != ENOENT) return ErrnoError(errno, path_.native());
    FLEXMIG_RETURN_IF_ERROR(WriteFileAtomically(path_, header));
  }
  UniqueFd fd(::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError(errno, path_.native());
  FLEXMIG_ASSIGN_OR_RETURN(const std::string text, ReadFrom(fd.get(), 0, path_));
  if (!text.starts_with(header)) {
    FLEXMIG_RETURN_IF_ERROR(sched::ParseRecording(text, path_.native()).status());
    return FailedPreconditionError(
        StrCat(path_.native(), ": is the log of another layout or policy; move it away"));
  }
  fd_ = std::move(fd);
  offset_ = static_cast<int64_t>(header.size());
  line_number_ = static_cast<size_t>(std::count(header.begin(), header.end(), '\n'));
  return OkStatus();
}

Status RunLog::CatchUp() {
  if (!fd_.valid()) FLEXMIG_RETURN_IF_ERROR(OpenFile());
  struct stat opened {};
  struct stat named {};
  if (::fstat(fd_.get(), &opened) != 0) return ErrnoError(errno, path_.native());
  if (::stat(path_.c_str(), &named) != 0 || named.st_ino != opened.st_ino ||
      opened.st_size < offset_) {
    return DataLossError(StrCat(path_.native(), ": was replaced or cut while it was in use"));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const std::string text, ReadFrom(fd_.get(), offset_, path_));
  const size_t whole = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  if (whole < text.size() && ::ftruncate(fd_.get(), offset_ + static_cast<int64_t>(whole)) != 0) {
    return ErrnoError(errno, path_.native());
  }
  for (size_t begin = 0; begin < whole;) {
    const size_t end = text.find('\n', begin);
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    ++line_number_;
    FLEXMIG_ASSIGN_OR_RETURN(const sched::Event event,
                             sched::ParseEvent(line, path_.native(), line_number_));
    const std::string where = StrCat(path_.native(), ":", line_number_);
    const auto told = sched::Apply(event, scheduler_);
    if (!told.ok()) return DataLossError(StrCat(where, ": ", told.status().message()));
    if (sched::FormatEvent(*told) != line) {
      return DataLossError(StrCat(where, ": the decision would be '", sched::FormatEvent(*told),
                                  "', not '", line, "'"));
    }
    if (const auto* lost = std::get_if<sched::LeafLostEvent>(&event.what)) {
      lost_[static_cast<size_t>(lost->leaf.value())] = true;
    } else if (const auto* back = std::get_if<sched::LeafBackEvent>(&event.what)) {
      lost_[static_cast<size_t>(back->leaf.value())] = false;
    }
    changed_ = StartsOrEnds(*told);
    begin = end + 1;
  }
  offset_ += static_cast<int64_t>(whole);
  return OkStatus();
}

template <typename EventType>
Result<sched::Event> RunLog::Tell(EventType what) {
  FLEXMIG_ASSIGN_OR_RETURN(sched::Event told, sched::Apply({now_, std::move(what)}, scheduler_));
  lines_ += sched::FormatEvent(told);
  lines_ += '\n';
  ++line_number_;
  changed_ = StartsOrEnds(told);
  return told;
}

Status RunLog::ObserveLeaves(const LeaseSight& sight) {
  const auto& leaves = setup_.inventory.leaves;
  // A job runs while it holds any of its leaves: they are given up one after another.
  std::set<JobId> running;
  for (const mig::Leaf& leaf : leaves) {
    const auto holder = scheduler_.pool().HolderOf(leaf.id);
    if (!holder) continue;
    const auto busy = sight.busy.find(leaf.uuid);
    const bool held = busy != sight.busy.end() &&
                      (busy->second.job == *holder || busy->second.job.value().empty());
    if (held) running.insert(*holder);
  }
  std::set<JobId> gone;
  for (const mig::Leaf& leaf : leaves) {
    const auto holder = scheduler_.pool().HolderOf(leaf.id);
    if (holder && !running.contains(*holder)) gone.insert(*holder);
  }
  for (const JobId& job : gone) {
    FLEXMIG_RETURN_IF_ERROR(Tell(sched::FinishEvent{job, sched::JobEnd::kOk}).status());
  }
  for (const mig::Leaf& leaf : leaves) {
    const auto index = static_cast<size_t>(leaf.id.value());
    const auto holder = scheduler_.pool().HolderOf(leaf.id);
    const bool foreign = sight.busy.contains(leaf.uuid) && !holder;
    if (foreign && !lost_[index]) {
      FLEXMIG_RETURN_IF_ERROR(Tell(sched::LeafLostEvent{leaf.id}).status());
      lost_[index] = true;
    } else if (!foreign && lost_[index] && !holder) {
      FLEXMIG_RETURN_IF_ERROR(Tell(sched::LeafBackEvent{leaf.id}).status());
      lost_[index] = false;
    }
  }
  return OkStatus();
}

Status RunLog::ObserveWaiters(const JobId& self, const LeaseSight& sight) {
  std::map<JobId, bool> stopped;
  for (const LeaseWaiter& waiter : sight.waiters) stopped.emplace(waiter.job, waiter.stopped);
  std::vector<JobId> gone;
  std::vector<JobId> to_hold;
  std::vector<JobId> to_release;
  for (const sched::QueuedJob* waiting : scheduler_.Waiting()) {
    const sched::QueuedJob& job = *waiting;
    const auto waiter = stopped.find(job.job.id);
    if (waiter == stopped.end()) {
      // Who looks may not have a ticket yet; but then it is not in the log, or by a dead namesake.
      gone.push_back(job.job.id);
    } else if (waiter->second && !job.held && job.job.id != self) {
      to_hold.push_back(job.job.id);
    } else if (!waiter->second && job.held) {
      to_release.push_back(job.job.id);
    }
  }
  for (const JobId& job : gone) {
    FLEXMIG_RETURN_IF_ERROR(Tell(sched::CancelEvent{job}).status());
  }
  for (const JobId& job : to_hold) {
    FLEXMIG_RETURN_IF_ERROR(Tell(sched::HoldEvent{job}).status());
  }
  for (const JobId& job : to_release) {
    FLEXMIG_RETURN_IF_ERROR(Tell(sched::ReleaseHoldEvent{job}).status());
  }
  return OkStatus();
}

Status RunLog::Observe(const JobId& self, const LeaseSight& sight) {
  FLEXMIG_RETURN_IF_ERROR(ObserveLeaves(sight));
  return ObserveWaiters(self, sight);
}

std::vector<mig::MigUuid> RunLog::UuidsOf(const alloc::Allocation& allocation) const {
  std::vector<mig::MigUuid> uuids;
  for (const mig::LeafId id : allocation.leaves) {
    uuids.push_back(setup_.inventory.leaves[static_cast<size_t>(id.value())].uuid);
  }
  return uuids;
}

Result<std::vector<mig::MigUuid>> RunLog::Decide(const sched::Job& job, const LeaseSight& sight,
                                                 sched::TimePoint now) {
  FLEXMIG_RETURN_IF_ERROR(CatchUp());
  now_ = std::max(now, scheduler_.now());  // the wall clock may be set back
  lines_.clear();
  FLEXMIG_RETURN_IF_ERROR(Observe(job.id, sight));
  if (scheduler_.Find(job.id) == nullptr) {
    FLEXMIG_RETURN_IF_ERROR(Tell(sched::SubmitEvent{job}).status());
  } else if (scheduler_.Find(job.id)->state == sched::QueuedJob::State::kRunning) {
    return AlreadyExistsError(StrCat("job '", job.id.value(), "' is running"));
  }
  Result<std::vector<mig::MigUuid>> answer =
      ResourceExhaustedError(StrCat(job.request.leaf_count, " leaves are not free together now; ",
                                    scheduler_.pool().free_count(), " are free"));
  const bool rejected = scheduler_.Find(job.id) == nullptr;
  if (rejected || (sight.first && changed_)) {
    FLEXMIG_ASSIGN_OR_RETURN(const sched::Event tick,
                             Tell(sched::TickEvent{sight.first ? 1 : 0, {}}));
    for (const sched::Decision& decision : std::get<sched::TickEvent>(tick.what).decisions) {
      if (const auto* start = std::get_if<sched::StartJob>(&decision)) {
        if (start->job != job.id) {
          return InternalError(StrCat("job '", start->job.value(), "' is to start, but '",
                                      job.id.value(), "' is first in the queue for leaves"));
        }
        answer = UuidsOf(start->allocation);
      } else if (const auto* reject = std::get_if<sched::RejectJob>(&decision)) {
        if (reject->job == job.id) answer = reject->reason;
      }
    }
  }
  FLEXMIG_RETURN_IF_ERROR(WriteLines());
  return answer;
}

Status RunLog::WriteLines() {
  if (lines_.empty()) return OkStatus();
  FLEXMIG_RETURN_IF_ERROR(
      WriteAll(fd_.get(), lines_.data(), lines_.size()).WithContext(path_.native()));
  offset_ += static_cast<int64_t>(lines_.size());
  return OkStatus();
}

}  // namespace flexmig::agent
