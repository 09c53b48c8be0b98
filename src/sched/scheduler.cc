#include "flexmig/sched/scheduler.h"

#include <utility>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::sched {

class Scheduler::Pass final : public SchedulingPass {
 public:
  explicit Pass(Scheduler& scheduler) : scheduler_(scheduler) {}

  TimePoint now() const override { return scheduler_.now_; }
  const JobQueue& queue() const override { return scheduler_.queue_; }
  QueueCursor Candidates() const override {
    return QueueCursor(scheduler_.queue_, scheduler_.growth_);
  }
  bool TryStart(QueuedJob& job) override { return scheduler_.TryStart(job); }

 private:
  Scheduler& scheduler_;
};

Scheduler::Scheduler(alloc::LeafPool pool,
                     std::unique_ptr<alloc::AllocationPolicy> allocation_policy,
                     std::unique_ptr<QueuePolicy> queue_policy)
    : pool_(std::move(pool)),
      allocation_policy_(std::move(allocation_policy)),
      queue_policy_(std::move(queue_policy)) {}

Status Scheduler::Submit(TimePoint now, Job job) {
  if (job.estimate && *job.estimate < Duration(0)) {
    return InvalidArgumentError(
        StrCat("job ", job.id.value(), ": an estimate of ", job.estimate->count(), " us"));
  }
  const auto known = jobs_.find(job.id);
  if (known != jobs_.end()) {
    return AlreadyExistsError(StrCat("job ", job.id.value(), " is already ",
                                     known->second.shape == nullptr ? "running" : "waiting"));
  }
  FLEXMIG_RETURN_IF_ERROR(Advance(now));
  const auto [shape, is_new_shape] = queue_.ShapeOf(job.request);
  if (is_new_shape) {
    // Whether it fits now is of no interest here, only whether it ever can.
    const auto chosen = allocation_policy_->Choose(job.request, pool_);
    if (!chosen.ok() && chosen.status().code() != StatusCode::kResourceExhausted) {
      shape->impossible = chosen.status();
    }
  }
  if (!shape->impossible.ok()) {
    decisions_.emplace_back(RejectJob{std::move(job.id), shape->impossible});
    return OkStatus();
  }
  QueuedJob& queued = jobs_[job.id];
  queued.job = std::move(job);
  queued.submit_time = now;
  queued.position = {queue_policy_->KeyOf(queued.job), submitted_++};
  queued.shape = shape;
  queue_.Add(&queued);
  return OkStatus();
}

Status Scheduler::Cancel(TimePoint now, const JobId& id) {
  const auto at = jobs_.find(id);
  if (at == jobs_.end()) return NotFoundError(StrCat("no job ", id.value()));
  if (at->second.shape == nullptr) {
    return FailedPreconditionError(
        StrCat("job ", id.value(), " is running; end its processes first"));
  }
  FLEXMIG_RETURN_IF_ERROR(Advance(now));
  queue_.Remove(&at->second);
  jobs_.erase(at);
  return OkStatus();
}

Status Scheduler::Finish(TimePoint now, const JobId& id) {
  const auto at = jobs_.find(id);
  if (at == jobs_.end()) return NotFoundError(StrCat("no job ", id.value()));
  if (at->second.shape != nullptr) {
    return FailedPreconditionError(StrCat("job ", id.value(), " has not started"));
  }
  FLEXMIG_RETURN_IF_ERROR(Advance(now));
  const Status released = pool_.Release(id);
  FLEXMIG_CHECK(released.ok());
  ++growth_;
  jobs_.erase(at);
  return OkStatus();
}

Status Scheduler::LeafLost(TimePoint now, mig::LeafId leaf) {
  if (now >= now_) FLEXMIG_RETURN_IF_ERROR(pool_.MarkLost(leaf));
  return Advance(now);
}

Status Scheduler::LeafBack(TimePoint now, mig::LeafId leaf) {
  if (now >= now_) {
    FLEXMIG_RETURN_IF_ERROR(pool_.MarkBack(leaf));
    ++growth_;
  }
  return Advance(now);
}

Result<std::vector<Decision>> Scheduler::Tick(TimePoint now) {
  FLEXMIG_RETURN_IF_ERROR(Advance(now));
  if (queue_.size() > 0) {
    Pass pass(*this);
    queue_policy_->Run(pass);
  }
  return std::exchange(decisions_, {});
}

Status Scheduler::Advance(TimePoint now) {
  if (now < now_) {
    return InvalidArgumentError(StrCat("an event at ", now.time_since_epoch().count(),
                                       " us after one at ", now_.time_since_epoch().count(),
                                       " us"));
  }
  now_ = now;
  return OkStatus();
}

bool Scheduler::TryStart(QueuedJob& job) {
  if (job.shape->blocked_at == growth_) return false;
  if (job.job.request.leaf_count > pool_.free_count()) {
    job.shape->blocked_at = growth_;
    return false;
  }
  auto chosen = allocation_policy_->Choose(job.job.request, pool_);
  if (!chosen.ok()) {
    // Submit has sorted out what can never run.
    FLEXMIG_CHECK(chosen.status().code() == StatusCode::kResourceExhausted);
    job.shape->blocked_at = growth_;
    return false;
  }
  const Status leased = pool_.Lease(job.job.id, chosen->leaves);
  FLEXMIG_CHECK(leased.ok());
  queue_.Remove(&job);
  job.shape = nullptr;
  decisions_.emplace_back(StartJob{job.job.id, *std::move(chosen)});
  return true;
}

}  // namespace flexmig::sched
