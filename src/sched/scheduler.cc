#include "flexmig/sched/scheduler.h"

#include <algorithm>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/sched/moldable.h"

namespace flexmig::sched {

namespace {

constexpr int kMaxWeight = 1'000'000;
constexpr int64_t kMaxSpeed = 1'000'000'000;
constexpr Duration kLeastHalfLife(64);

bool Binds(const Quota& quota) { return quota.max_leaves || quota.max_jobs; }

Status CheckOptions(const SchedulerOptions& options) {
  if (options.starvation_bound && *options.starvation_bound < Duration(0)) {
    return InvalidArgumentError("the starvation bound is negative");
  }
  if (options.share_half_life && *options.share_half_life < kLeastHalfLife) {
    return InvalidArgumentError("the half-life of usage is below 64 us");
  }
  for (const auto& [user, weight] : options.share_weights) {
    if (weight < 1 || weight > kMaxWeight) {
      return InvalidArgumentError(
          StrCat("the share weight of user ", user, " is ", weight, ", not 1 to ", kMaxWeight));
    }
  }
  if (options.reservation_depth < 1) {
    return InvalidArgumentError("the reservation depth is below 1");
  }
  return OkStatus();
}

JobQueue::Grouping GroupingFor(const QueuePolicy& policy, const SchedulerOptions& options,
                               bool has_quotas) {
  // A group stands or falls together before a quota, too.
  return {.by_request = policy.skips() || has_quotas,
          .by_user = options.share_half_life.has_value() || has_quotas};
}

bool HasQuotas(const SchedulerOptions& options) {
  return Binds(options.default_quota) ||
         std::any_of(options.quotas.begin(), options.quotas.end(),
                     [](const auto& entry) { return Binds(entry.second); });
}

}  // namespace

Result<Scheduler> Scheduler::Create(alloc::LeafPool pool,
                                    std::unique_ptr<alloc::AllocationPolicy> allocation_policy,
                                    std::unique_ptr<QueuePolicy> queue_policy,
                                    const SchedulerOptions& options) {
  FLEXMIG_RETURN_IF_ERROR(CheckOptions(options));
  return Scheduler(std::move(pool), std::move(allocation_policy), std::move(queue_policy), options);
}

Scheduler::Scheduler(alloc::LeafPool pool,
                     std::unique_ptr<alloc::AllocationPolicy> allocation_policy,
                     std::unique_ptr<QueuePolicy> queue_policy)
    : Scheduler(std::move(pool), std::move(allocation_policy), std::move(queue_policy),
                SchedulerOptions()) {}

Scheduler::Scheduler(alloc::LeafPool pool,
                     std::unique_ptr<alloc::AllocationPolicy> allocation_policy,
                     std::unique_ptr<QueuePolicy> queue_policy, const SchedulerOptions& options)
    : options_(options),
      pool_(std::move(pool)),
      allocation_policy_(std::move(allocation_policy)),
      queue_policy_(std::move(queue_policy)),
      has_quotas_(HasQuotas(options)),
      queue_(GroupingFor(*queue_policy_, options, has_quotas_)),
      dependencies_(options.ended_jobs_kept) {
  if (options.share_half_life) fair_share_.emplace(*options.share_half_life);
  if (queue_policy_->plans()) plan_.emplace(pool_.inventory(), options.reservation_depth);
}

Status Scheduler::CheckTime(TimePoint now) const {
  if (now >= now_) return OkStatus();
  return InvalidArgumentError(StrCat("an event at ", now.time_since_epoch().count(),
                                     " us after one at ", now_.time_since_epoch().count(), " us"));
}

Status Scheduler::CheckJob(const Job& job) const {
  const auto wrong = [&](const auto&... what) {
    return InvalidArgumentError(StrCat("job ", job.id.value(), ": ", what...));
  };
  if (job.estimate && *job.estimate < Duration(0)) {
    return wrong("an estimate of ", job.estimate->count(), " us");
  }
  if (job.time_limit && *job.time_limit <= Duration(0)) {
    return wrong("a time limit of ", job.time_limit->count(), " us");
  }
  if (const QueuedJob* known = jobs_.Find(job.id)) {
    const bool runs = known->state == QueuedJob::State::kRunning;
    return AlreadyExistsError(
        StrCat("job ", job.id.value(), " is already ", runs ? "running" : "waiting"));
  }
  if (job.moldable) {
    const MoldableRange& range = *job.moldable;
    if (range.min_leaves < 1 || range.min_leaves > job.request.leaf_count ||
        range.max_leaves < job.request.leaf_count) {
      return wrong(job.request.leaf_count, " leaves are not in its range of ", range.min_leaves,
                   " to ", range.max_leaves);
    }
    if (range.speeds.size() != static_cast<size_t>(range.max_leaves - range.min_leaves) + 1) {
      return wrong(range.speeds.size(), " speeds for ", range.min_leaves, " to ", range.max_leaves,
                   " leaves");
    }
    if (range.speeds.front() < 1 || range.speeds.back() > kMaxSpeed ||
        !std::is_sorted(range.speeds.begin(), range.speeds.end())) {
      return wrong("speeds that fall, or are not in 1 to ", kMaxSpeed);
    }
  }
  for (const Dependency& dependency : job.after) {
    if (!jobs_.Contains(dependency.job) && !dependencies_.EndOf(dependency.job)) {
      return NotFoundError(StrCat("job ", job.id.value(), " is to run after job ",
                                  dependency.job.value(), ", which is not known"));
    }
  }
  return OkStatus();
}

int Scheduler::UserIndex(const std::string& name) {
  const auto [at, is_new] = users_.try_emplace(name, static_cast<int>(users_.size()));
  if (!is_new) return at->second;
  const auto quota = options_.quotas.find(name);
  quotas_.Set(at->second, quota != options_.quotas.end() ? quota->second : options_.default_quota);
  const auto weight = options_.share_weights.find(name);
  if (fair_share_ && weight != options_.share_weights.end()) {
    fair_share_->SetWeight(at->second, weight->second);
  }
  return at->second;
}

Status Scheduler::Submit(TimePoint now, Job job) {
  FLEXMIG_RETURN_IF_ERROR(CheckTime(now));
  FLEXMIG_RETURN_IF_ERROR(CheckJob(job));
  now_ = now;
  if (recorder_ != nullptr) recorder_->Add(now_, SubmitEvent{job});

  alloc::AllocationRequest least = job.request;
  least.leaf_count = MinLeaves(job);
  RequestKind& kind = kinds_.Of(least, *allocation_policy_, pool_);
  const int user = UserIndex(job.user);
  Status impossible = kind.impossible;
  if (impossible.ok() && has_quotas_) impossible = quotas_.CheckPossible(user, job);
  int dependencies_left = 0;
  for (const Dependency& dependency : job.after) {
    if (jobs_.Contains(dependency.job)) {
      ++dependencies_left;
    } else if (dependency.condition == Dependency::Condition::kEndedOk && impossible.ok() &&
               dependencies_.EndOf(dependency.job) == JobEnd::kFailed) {
      impossible =
          FailedPreconditionError(StrCat("job ", dependency.job.value(), " before it has failed"));
    }
  }
  if (!impossible.ok()) {
    Reject(job.id, std::move(impossible));
    return OkStatus();
  }

  QueuedJob& queued = jobs_.Insert(job.id);
  queued.job = std::move(job);
  queued.held = queued.job.held;
  queued.dependencies_left = dependencies_left;
  queued.user = user;
  queued.kind = &kind;
  ++kind.jobs;
  queued.submit_time = now;
  queued.position = {-int64_t{queued.job.priority}, queue_policy_->KeyOf(queued.job), submitted_++};
  for (const Dependency& dependency : queued.job.after) {
    if (!jobs_.Contains(dependency.job)) continue;
    dependencies_.Add(dependency, queued.job.id, queued.position.sequence);
  }
  queued.shortest_run = ShortestRun(queued.job);
  EnqueueIfReady(queued);
  return OkStatus();
}

Result<QueuedJob*> Scheduler::FindWaiting(const JobId& id, std::string_view if_running) {
  QueuedJob* job = jobs_.Find(id);
  if (job == nullptr) return NotFoundError(StrCat("no job ", id.value()));
  if (job->state == QueuedJob::State::kRunning) {
    return FailedPreconditionError(StrCat("job ", id.value(), " is running", if_running));
  }
  return job;
}

std::vector<const QueuedJob*> Scheduler::Waiting() const {
  auto waiting = jobs_.All();
  std::erase_if(waiting,
                [](const QueuedJob* job) { return job->state == QueuedJob::State::kRunning; });
  std::sort(waiting.begin(), waiting.end(), [](const QueuedJob* a, const QueuedJob* b) {
    return a->position.sequence < b->position.sequence;
  });
  return waiting;
}

Status Scheduler::Cancel(TimePoint now, const JobId& id) {
  FLEXMIG_RETURN_IF_ERROR(CheckTime(now));
  FLEXMIG_ASSIGN_OR_RETURN(QueuedJob * job, FindWaiting(id, "; end its processes first"));
  now_ = now;
  if (recorder_ != nullptr) recorder_->Add(now_, CancelEvent{id});
  if (job->state == QueuedJob::State::kQueued) Dequeue(*job);
  End(*job, JobEnd::kFailed);
  return OkStatus();
}

Status Scheduler::Hold(TimePoint now, const JobId& id) {
  FLEXMIG_RETURN_IF_ERROR(CheckTime(now));
  FLEXMIG_ASSIGN_OR_RETURN(QueuedJob * job, FindWaiting(id, "; it cannot be held"));
  now_ = now;
  if (recorder_ != nullptr) recorder_->Add(now_, HoldEvent{id});
  job->held = true;
  if (job->state == QueuedJob::State::kQueued) Dequeue(*job);
  return OkStatus();
}

Status Scheduler::ReleaseHold(TimePoint now, const JobId& id) {
  FLEXMIG_RETURN_IF_ERROR(CheckTime(now));
  FLEXMIG_ASSIGN_OR_RETURN(QueuedJob * job, FindWaiting(id, "; it is not held"));
  now_ = now;
  if (recorder_ != nullptr) recorder_->Add(now_, ReleaseHoldEvent{id});
  job->held = false;
  EnqueueIfReady(*job);
  return OkStatus();
}

void Scheduler::EnqueueIfReady(QueuedJob& job) {
  if (job.state != QueuedJob::State::kSetAside || job.held || job.dependencies_left > 0) return;
  job.state = QueuedJob::State::kQueued;
  job.queued_since = now_;
  queue_.Add(&job);
  if (plan_) plan_->OnQueued(job, queue_);
}

void Scheduler::Dequeue(QueuedJob& job) {
  if (plan_) plan_->OnUnqueued(job);
  queue_.Remove(&job);
  job.state = QueuedJob::State::kSetAside;
}

Status Scheduler::Finish(TimePoint now, const JobId& id, JobEnd end) {
  FLEXMIG_RETURN_IF_ERROR(CheckTime(now));
  QueuedJob* const known = jobs_.Find(id);
  if (known == nullptr) return NotFoundError(StrCat("no job ", id.value()));
  QueuedJob& job = *known;
  if (job.state != QueuedJob::State::kRunning) {
    return FailedPreconditionError(StrCat("job ", id.value(), " has not started"));
  }
  now_ = now;
  if (recorder_ != nullptr) recorder_->Add(now_, FinishEvent{id, end});
  running_.Remove(job);
  const int free_before = pool_.free_count();
  const Status released = pool_.Release(id);
  FLEXMIG_CHECK(released.ok());
  ++growth_;
  if (has_quotas_) quotas_.End(job.user, job.leaves_held);
  if (fair_share_) fair_share_->Hold(job.user, -job.leaves_held, now);
  if (plan_) {
    plan_->OnEnded(job, now);
    if (pool_.free_count() != free_before + job.leaves_held) plan_->OnChanged();
  }
  if (job.job.time_limit) {
    limits_.erase({AddClamped(job.start_time, *job.job.time_limit), job.position.sequence});
  }
  End(job, end);
  return OkStatus();
}

void Scheduler::End(QueuedJob& job, JobEnd end) {
  --job.kind->jobs;
  const JobId id = job.job.id;
  jobs_.Erase(job);
  for (const auto& [name, sequence, condition] : dependencies_.OnEnd(id, end)) {
    QueuedJob* waiter = jobs_.Find(name);
    if (waiter == nullptr || waiter->position.sequence != sequence) continue;  // it has gone
    if (end == JobEnd::kFailed && condition == Dependency::Condition::kEndedOk) {
      Reject(name, FailedPreconditionError(StrCat("job ", id.value(), " before it has failed")));
      End(*waiter, JobEnd::kFailed);
    } else {
      --waiter->dependencies_left;
      EnqueueIfReady(*waiter);
    }
  }
}

void Scheduler::Reject(const JobId& id, Status reason) {
  // Known jobs are ended by the caller; one that never was known has ended for those after it.
  if (!jobs_.Contains(id)) dependencies_.OnEnd(id, JobEnd::kFailed);
  rejections_.emplace_back(RejectJob{id, std::move(reason)});
}

Status Scheduler::LeafLost(TimePoint now, mig::LeafId leaf) {
  FLEXMIG_RETURN_IF_ERROR(CheckTime(now));
  FLEXMIG_RETURN_IF_ERROR(pool_.MarkLost(leaf));
  now_ = now;
  if (recorder_ != nullptr) recorder_->Add(now_, LeafLostEvent{leaf});
  if (plan_) plan_->OnChanged();
  return OkStatus();
}

Status Scheduler::LeafBack(TimePoint now, mig::LeafId leaf) {
  FLEXMIG_RETURN_IF_ERROR(CheckTime(now));
  FLEXMIG_RETURN_IF_ERROR(pool_.MarkBack(leaf));
  now_ = now;
  ++growth_;
  if (recorder_ != nullptr) recorder_->Add(now_, LeafBackEvent{leaf});
  if (plan_) plan_->OnChanged();
  return OkStatus();
}

}  // namespace flexmig::sched
