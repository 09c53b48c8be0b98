#include "flexmig/sched/plan.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "flexmig/base/check.h"
#include "flexmig/sched/moldable.h"

namespace flexmig::sched {

namespace {

constexpr Duration kLeastExtension = std::chrono::seconds(1);
constexpr int kExtensionShare = 10;

}  // namespace

Plan::Plan(const mig::NodeInventory& inventory, size_t depth) : depth_(depth) {
  for (const mig::Leaf& leaf : inventory.leaves) {
    if (std::find(profiles_.begin(), profiles_.end(), leaf.profile) == profiles_.end()) {
      profiles_.push_back(leaf.profile);
    }
  }
  std::sort(profiles_.begin(), profiles_.end(), [](const mig::Profile* a, const mig::Profile* b) {
    const auto key = [](const mig::Profile* p) {
      return std::tuple(p->memory.value_or(Bytes()), p->compute_slices, p->name);
    };
    return key(a) < key(b);
  });
}

bool Plan::Usable(const QueuedJob& job, size_t profile) const {
  const alloc::AllocationRequest& request = job.job.request;
  return profiles_[profile]->memory.value_or(Bytes()) >= request.min_memory &&
         profiles_[profile]->compute_slices >= request.min_compute_slices;
}

void Plan::Take(const QueuedJob::Planned& planned, int64_t sign) {
  free_[static_cast<size_t>(planned.profile)].Add(planned.start, planned.end,
                                                  -sign * planned.leaves);
}

void Plan::OnQueued(QueuedJob& job, const JobQueue& queue) {
  job.planned = {};
  if (anew_) return;
  if (queue.grouping().by_user) {
    anew_ = true;
    return;
  }
  if (job.position < last_) {
    anew_ = true;
    return;
  }
  arrived_.push_back(&job);
}

void Plan::OnUnqueued(QueuedJob& job) {
  std::erase(arrived_, &job);
  if (job.planned.leaves == 0) return;
  Unplace(job);
  gaps_ = refill_ = true;
}

void Plan::Drop(QueuedJob& job) {
  Unplace(job);
  gaps_ = true;
}

void Plan::Unplace(QueuedJob& job) {
  Take(job.planned, -1);
  starts_.erase({job.planned.start, job.position.sequence});
  job.planned = {};
}

void Plan::OnStarted(QueuedJob& job, TimePoint now, const mig::Profile* profile) {
  const TimePoint end = std::max(job.expected_end, AddClamped(now, Duration(1)));
  const bool as_planned = job.planned.leaves > 0 && &ProfileOf(job) == profile &&
                          job.planned.start == now && end <= job.planned.end;
  if (!as_planned) anew_ = true;
  refill_ = true;
  std::erase(arrived_, &job);
  if (job.planned.leaves > 0) Unplace(job);
  const auto at = std::find(profiles_.begin(), profiles_.end(), profile);
  job.planned = {job.leaves_held, static_cast<int>(at - profiles_.begin()), now, end};
  if (!anew_) Take(job.planned, 1);
  if (job.planned.end != kNever) ends_[{job.planned.end, job.position.sequence}] = &job;
}

void Plan::OnEnded(QueuedJob& job, TimePoint now) {
  if (job.planned.end != kNever) ends_.erase({job.planned.end, job.position.sequence});
  if (job.planned.end > now && !anew_) {
    job.planned.start = now;
    Take(job.planned, -1);
    gaps_ = true;
  }
  job.planned = {};
}

void Plan::Update(TimePoint now, const alloc::LeafPool& pool, const JobQueue& queue,
                  const RunningJobs& running) {
  if (anew_ || (!ends_.empty() && ends_.begin()->first.first <= now)) {
    ExtendOverdue(now);
    MakeAnew(now, pool, queue, running);
    return;
  }
  for (Availability& free : free_) free.ForgetBefore(now);
  if (gaps_ || (refill_ && queue.size() > starts_.size() + arrived_.size())) {
    MoveUp(now, queue);
  } else {
    for (QueuedJob* job : arrived_) {
      if (starts_.size() < depth_) Place(*job, now, queue.size() > 1);
    }
  }
  arrived_.clear();
  gaps_ = refill_ = false;
}

void Plan::ExtendOverdue(TimePoint now) {
  while (!ends_.empty() && ends_.begin()->first.first <= now) {
    QueuedJob& job = *ends_.begin()->second;
    ends_.erase(ends_.begin());
    const Duration more = std::max(kLeastExtension, (now - job.start_time) / kExtensionShare);
    job.planned.end = AddClamped(now, more);
    if (job.planned.end != kNever) ends_[{job.planned.end, job.position.sequence}] = &job;
  }
}

void Plan::MakeAnew(TimePoint now, const alloc::LeafPool& pool, const JobQueue& queue,
                    const RunningJobs& running) {
  std::vector<int64_t> in_service(profiles_.size());
  for (const mig::Leaf& leaf : pool.inventory().leaves) {
    if (!pool.IsFree(leaf.id)) continue;
    const auto at = std::find(profiles_.begin(), profiles_.end(), leaf.profile);
    ++in_service[static_cast<size_t>(at - profiles_.begin())];
  }
  for (auto* job = running.First(); job != nullptr; job = RunningJobs::Next(*job)) {
    in_service[static_cast<size_t>(job->planned.profile)] += job->planned.leaves;
  }
  free_.clear();
  for (const int64_t leaves : in_service) free_.emplace_back(leaves).ForgetBefore(now);
  for (auto* job = running.First(); job != nullptr; job = RunningJobs::Next(*job)) {
    Take(job->planned, 1);
  }
  for (const auto& [start, job] : starts_) job->planned = {};
  starts_.clear();
  arrived_.clear();
  anew_ = gaps_ = refill_ = false;
  last_ = {std::numeric_limits<int64_t>::min(), 0, 0};

  QueueCursor cursor(queue);
  for (size_t i = 0; i < depth_; ++i) {
    QueuedJob* job = cursor.Next();
    if (job == nullptr) return;
    Place(*job, now, queue.size() > 1);
  }
}

void Plan::MoveUp(TimePoint now, const JobQueue& queue) {
  QueueCursor cursor(queue);
  for (size_t i = 0; i < depth_; ++i) {
    QueuedJob* job = cursor.Next();
    if (job == nullptr) return;
    if (job->planned.leaves > 0) {
      if (!gaps_ || job->planned.start <= now) continue;
      Unplace(*job);
    }
    Place(*job, now, queue.size() > 1);
  }
}

void Plan::Place(QueuedJob& job, TimePoint now, bool others_wait) {
  QueuedJob::Planned best;
  best.end = kNever;
  best.start = kNever;
  const int widest = others_wait ? MinLeaves(job.job) : MaxLeaves(job.job);
  for (int leaves = MinLeaves(job.job); leaves <= widest; ++leaves) {
    const Duration run = RunTimeOn(job.job, leaves);
    for (size_t profile = 0; profile < profiles_.size(); ++profile) {
      if (!Usable(job, profile)) continue;
      const TimePoint start = free_[profile].EarliestFit(now, run, leaves);
      if (start == kNever) continue;
      const TimePoint end = AddClamped(start, std::max(run, Duration(1)));
      if (best.leaves > 0 && std::pair(end, start) >= std::pair(best.end, best.start)) continue;
      best = {leaves, static_cast<int>(profile), start, end};
    }
  }
  if (best.leaves == 0) return;
  job.planned = best;
  Take(best, 1);
  starts_[{best.start, job.position.sequence}] = &job;
  last_ = std::max(last_, job.position);
}

std::vector<QueuedJob*> Plan::Due(TimePoint now) const {
  std::vector<QueuedJob*> due;
  for (const auto& [start, job] : starts_) {
    if (start.first > now) break;
    due.push_back(job);
  }
  std::sort(due.begin(), due.end(),
            [](const QueuedJob* a, const QueuedJob* b) { return IsBefore(*a, *b); });
  return due;
}

TimePoint Plan::NextTimer(TimePoint now) const {
  TimePoint next = kNever;
  for (const ByTime* times : {&starts_, &ends_}) {
    const auto at = times->upper_bound({now, std::numeric_limits<uint64_t>::max()});
    if (at != times->end()) next = std::min(next, at->first.first);
  }
  return next;
}

int Plan::WidestNow(const QueuedJob& job, TimePoint now, int cap) const {
  const Availability& free = free_[static_cast<size_t>(job.planned.profile)];
  for (int leaves = cap; leaves > job.planned.leaves; --leaves) {
    // Its own reservation begins now; beyond its leaves there must be more for as long as it runs.
    const int64_t more = leaves - job.planned.leaves;
    if (free.EarliestFit(now, RunTimeOn(job.job, leaves), more) == now) return leaves;
  }
  return job.planned.leaves;
}

}  // namespace flexmig::sched
