// What the scheduler does in a Tick; scheduler.cc has the other events.

#include <algorithm>

#include "flexmig/base/check.h"
#include "flexmig/sched/moldable.h"
#include "flexmig/sched/reservation.h"
#include "flexmig/sched/scheduler.h"

namespace flexmig::sched {

class Scheduler::Pass final : public SchedulingPass {
 public:
  explicit Pass(Scheduler& scheduler) : scheduler_(scheduler) {}

  TimePoint now() const override { return scheduler_.now_; }
  int free_leaves() const override { return scheduler_.pool_.free_count(); }
  bool anything_runs() const override { return scheduler_.running_.size() > 0; }

  QueuedJob* Starved() const override {
    const auto& bound = scheduler_.options_.starvation_bound;
    if (!bound) return nullptr;
    QueuedJob* job = scheduler_.queue_.Oldest();
    while (job != nullptr && AddClamped(job->queued_since, *bound) <= now()) {
      if (MayStart(job->user, MinLeaves(job->job))) return job;
      job = job->newer;
    }
    return nullptr;
  }

  QueuedJob* Head() const override {
    if (QueuedJob* starved = Starved()) return starved;
    if (!scheduler_.has_quotas_) return scheduler_.queue_.Front();
    return scheduler_.queue_.Front(
        [&](const QueueGroup& group) { return MayStart(group.user, group.min_leaves); });
  }

  QueueCursor Candidates(const BackfillFilter* filter) const override {
    return {scheduler_.queue_, free_leaves(), scheduler_.growth_, filter};
  }

  Reservation Reserve(const QueuedJob& job) const override {
    return {job, now(), scheduler_.pool_, *scheduler_.allocation_policy_, scheduler_.running_};
  }

  StartResult TryStart(QueuedJob& job, Reservation* reservation) override {
    return scheduler_.TryStart(job, reservation);
  }
  Plan& plan() override {
    scheduler_.plan_->Update(now(), scheduler_.pool_, scheduler_.queue_, scheduler_.running_);
    return *scheduler_.plan_;
  }
  StartResult TryStartPlanned(QueuedJob& job) override { return scheduler_.TryStartPlanned(job); }

 private:
  bool MayStart(int user, int leaves) const {
    return !scheduler_.has_quotas_ || scheduler_.quotas_.Admits(user, leaves);
  }

  Scheduler& scheduler_;
};

Result<std::span<const Decision>> Scheduler::Tick(TimePoint now, int max_starts) {
  FLEXMIG_RETURN_IF_ERROR(CheckTime(now));
  now_ = now;
  decisions_.clear();
  std::swap(decisions_, rejections_);
  EndOverdue();
  look_again_ = kNever;
  if (queue_.size() > 0) {
    starts_left_ = max_starts;
    if (fair_share_) {
      queue_.SetUsage([&](int user) { return fair_share_->UsageOf(user, now); });
      if (plan_) plan_->OnChanged();
    }
    Pass pass(*this);
    queue_policy_->Run(pass);
  }
  if (recorder_ != nullptr) recorder_->Add(now_, TickEvent{max_starts, decisions_});
  return std::span<const Decision>(decisions_);
}

void Scheduler::EndOverdue() {
  while (!limits_.empty() && limits_.begin()->first.first <= now_) {
    decisions_.emplace_back(EndJob{limits_.begin()->second->job.id});
    limits_.erase(limits_.begin());
  }
}

std::optional<TimePoint> Scheduler::next_timer() const {
  TimePoint next = look_again_;
  if (!limits_.empty()) next = std::min(next, limits_.begin()->first.first);
  if (plan_ && queue_.size() > 0) next = std::min(next, plan_->NextTimer(now_));
  if (options_.starvation_bound) {
    // While the oldest is starved, it makes no difference who else becomes so.
    const QueuedJob* oldest = queue_.Oldest();
    if (oldest != nullptr) {
      const TimePoint starved = AddClamped(oldest->queued_since, *options_.starvation_bound);
      if (starved > now_) next = std::min(next, starved);
    }
  }
  if (next == kNever) return std::nullopt;
  return next;
}

StartResult Scheduler::TryStart(QueuedJob& job, Reservation* reservation) {
  if (starts_left_ == 0) return StartResult::kEnough;
  if (job.kind->blocked_at == growth_) return StartResult::kDoesNotFit;
  const int least = MinLeaves(job.job);
  int most = pool_.free_count();
  if (most < least) {
    job.kind->blocked_at = growth_;
    return StartResult::kDoesNotFit;
  }
  if (has_quotas_) {
    most = std::min(most, quotas_.Room(job.user));
    if (most < least) return StartResult::kDoesNotFit;
  }
  int leaves = least;
  if (job.job.moldable) {
    leaves = WidestUseful(
        job.job, std::min(most, WidthCap(job.job, pool_.free_count(), queue_.leaves_wanted())));
    if (reservation == nullptr && queue_.size() == 1) {
      if (const auto later = BetterLater(job.job, leaves, pool_.free_count(), now_, running_)) {
        look_again_ = *later;
        return StartResult::kNotNow;
      }
    }
  }
  if (reservation != nullptr) {
    if (!reservation->AdmitsCount(RunTimeOn(job.job, leaves), leaves)) {
      // Narrow enough to fit beside it, or not at all.
      leaves = static_cast<int>(std::min<int64_t>(leaves, reservation->filter().room));
      if (leaves < least) return StartResult::kNotNow;
    }
    const QueuedJob& first = reservation->job();
    if (has_quotas_ && first.user == job.user && reservation->time() &&
        !quotas_.Admits(job.user, leaves, 1, MinLeaves(first.job))) {
      return StartResult::kNotNow;
    }
  }
  alloc::AllocationRequest request = job.job.request;
  for (request.leaf_count = leaves;; --request.leaf_count) {
    auto chosen = allocation_policy_->Choose(request, pool_);
    if (chosen.ok()) {
      if (reservation != nullptr &&
          !reservation->AdmitsPlacement(job, RunTimeOn(job.job, request.leaf_count), *chosen)) {
        return StartResult::kNotNow;
      }
      Start(job, *std::move(chosen));
      return StartResult::kStarted;
    }
    if (request.leaf_count == least) {
      // Submit has sorted out what can never run.
      FLEXMIG_CHECK(chosen.status().code() == StatusCode::kResourceExhausted);
      job.kind->blocked_at = growth_;
      return StartResult::kDoesNotFit;
    }
  }
}

StartResult Scheduler::TryStartPlanned(QueuedJob& job) {
  if (starts_left_ == 0) return StartResult::kEnough;
  const int least = MinLeaves(job.job);
  const int most = has_quotas_ ? quotas_.Room(job.user) : pool_.free_count();
  if (most < least) return StartResult::kNotNow;
  const mig::Profile& profile = plan_->ProfileOf(job);
  alloc::AllocationRequest request = job.job.request;
  request.min_memory = std::max(request.min_memory, profile.memory.value_or(Bytes()));
  request.min_compute_slices = std::max(request.min_compute_slices, profile.compute_slices);
  // A moldable job can be planned for more leaves than its span rule or its user's quota admits.
  request.leaf_count = std::min(most, job.planned.leaves);
  if (job.job.moldable && most > job.planned.leaves) {
    const int cap = WidthCap(job.job, pool_.free_count(), queue_.leaves_wanted());
    request.leaf_count = plan_->WidestNow(job, now_, WidestUseful(job.job, std::min(most, cap)));
  }
  for (; request.leaf_count >= least; --request.leaf_count) {
    auto chosen = allocation_policy_->Choose(request, pool_);
    if (!chosen.ok()) continue;
    Start(job, *std::move(chosen));
    return StartResult::kStarted;
  }
  return StartResult::kDoesNotFit;
}

void Scheduler::Start(QueuedJob& job, alloc::Allocation allocation) {
  const Status leased = pool_.Lease(job.job.id, allocation.leaves, job.job.request.comm);
  FLEXMIG_CHECK(leased.ok());
  queue_.Remove(&job);
  job.state = QueuedJob::State::kRunning;
  job.leaves_held = static_cast<int>(allocation.leaves.size());
  if (pool_.nodes().node_count() > 1) job.on_nodes = CountByNode(pool_, allocation);
  job.start_time = now_;
  job.expected_end = AddClamped(now_, RunTimeOn(job.job, job.leaves_held));
  running_.Add(job);
  if (job.job.time_limit) {
    const TimePoint end = AddClamped(now_, *job.job.time_limit);
    limits_[{end, job.position.sequence}] = &job;
  }
  if (has_quotas_) quotas_.Start(job.user, job.leaves_held);
  if (fair_share_) fair_share_->Hold(job.user, job.leaves_held, now_);
  if (plan_) plan_->OnStarted(job, now_, pool_.leaf(allocation.leaves.front()).profile);
  if (starts_left_ > 0) --starts_left_;
  decisions_.emplace_back(StartJob{job.job.id, std::move(allocation)});
}

}  // namespace flexmig::sched
