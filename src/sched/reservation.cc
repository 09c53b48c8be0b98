#include "flexmig/sched/reservation.h"

#include <algorithm>

#include "flexmig/base/check.h"

namespace flexmig::sched {

std::vector<LeavesOnNode> CountByNode(const alloc::LeafPool& pool,
                                      const alloc::Allocation& allocation) {
  std::vector<LeavesOnNode> counts;
  for (const mig::LeafId id : allocation.leaves) {
    const auto gpu = static_cast<size_t>(pool.leaf(id).gpu.value());
    const int node = pool.nodes().node_of[gpu];
    const auto at = std::find_if(counts.begin(), counts.end(),
                                 [&](const LeavesOnNode& one) { return one.node == node; });
    if (at == counts.end()) {
      counts.push_back({node, 1});
    } else {
      ++at->leaves;
    }
  }
  return counts;
}

Reservation::Reservation(const QueuedJob& job, TimePoint now, const alloc::LeafPool& pool,
                         const alloc::AllocationPolicy& policy, const RunningJobs& running)
    : job_(job), policy_(policy), pool_(pool) {
  if (job.kind->countable) {
    CountLeaves(now, pool, running);
  } else if (job.kind->countable_on_nodes) {
    CountOnNodes(now, running);
  } else {
    PlayReleases(now, pool, running);
  }
}

void Reservation::CountLeaves(TimePoint now, const alloc::LeafPool& pool,
                              const RunningJobs& running) {
  const int needed = job_.kind->request.leaf_count;
  if (running.LeavesUntil(kNever) < needed - pool.free_count()) {
    filter_ = {kUnbounded, pool.free_count()};
    return;
  }
  time_ = std::max(now, running.TimeOfLeaves(needed - pool.free_count()));
  SetWindow(now);
  // Who runs for ever takes a leaf that is free then and that the job does not need. At kNever that
  // is none: all that will be free are fewer than it needs.
  const TimePoint known = std::min(*time_, kNever - Duration(1));
  filter_.room = pool.free_count() + running.LeavesUntil(known) - needed;
}

void Reservation::CountOnNodes(TimePoint now, const RunningJobs& running) {
  const int needed = job_.kind->request.leaf_count;
  const alloc::LeafIndex& index = pool_.indices().front();
  for (int node = 0; node < pool_.nodes().node_count(); ++node) {
    free_then_.push_back(index.Capacity(node));
  }
  bool fits = false;
  const QueuedJob* next = running.First();
  while (next != nullptr && !fits) {
    const TimePoint end = next->expected_end;
    for (; next != nullptr && next->expected_end == end; next = RunningJobs::Next(*next)) {
      for (const LeavesOnNode& freed : next->on_nodes) {
        int& free = free_then_[static_cast<size_t>(freed.node)];
        free += freed.leaves;
        fits |= free >= needed;
      }
    }
    if (fits) time_ = std::max(now, end);
  }
  if (!time_) {
    filter_ = {kUnbounded, pool_.free_count()};
    return;
  }
  SetWindow(now);
  filter_.room = *time_ == kNever ? -1 : pool_.free_count();
}

void Reservation::PlayReleases(TimePoint now, const alloc::LeafPool& pool,
                               const RunningJobs& running) {
  then_ = pool;
  const QueuedJob* next = running.First();
  while (next != nullptr) {
    const TimePoint end = next->expected_end;
    for (; next != nullptr && next->expected_end == end; next = RunningJobs::Next(*next)) {
      const Status released = then_->Release(next->job.id);
      FLEXMIG_CHECK(released.ok());
    }
    if (then_->free_count() >= job_.kind->request.leaf_count &&
        policy_.Choose(job_.kind->request, *then_).ok()) {
      time_ = std::max(now, end);
      break;
    }
  }
  if (!time_) {
    then_.reset();
    filter_ = {kUnbounded, pool.free_count()};
    return;
  }
  SetWindow(now);
  filter_.room = *time_ == kNever ? -1 : pool.free_count();
}

void Reservation::SetWindow(TimePoint now) {
  // Not kUnbounded: a job that may run for ever is not over before anything.
  filter_.window = *time_ == kNever ? kUnbounded - Duration(1) : *time_ - now;
}

bool Reservation::AdmitsPlacement(const QueuedJob& job, Duration run,
                                  const alloc::Allocation& allocation) {
  if (!time_ || run <= filter_.window) return true;
  if (job_.kind->countable) {
    filter_.room -= static_cast<int64_t>(allocation.leaves.size());
    return true;
  }
  if (job_.kind->countable_on_nodes) {
    const auto taken = CountByNode(pool_, allocation);
    const auto change = [&](int sign) {
      for (const LeavesOnNode& one : taken) {
        free_then_[static_cast<size_t>(one.node)] += sign * one.leaves;
      }
    };
    change(-1);
    const int most = *std::max_element(free_then_.begin(), free_then_.end());
    if (most >= job_.kind->request.leaf_count) return true;
    change(1);
    filter_.barred.push_back(job.kind);
    return false;
  }
  // What is free now is free then.
  const Status leased = then_->Lease(job.job.id, allocation.leaves, job.job.request.comm);
  FLEXMIG_CHECK(leased.ok());
  if (policy_.Choose(job_.kind->request, *then_).ok()) return true;
  const Status released = then_->Release(job.job.id);
  FLEXMIG_CHECK(released.ok());
  filter_.barred.push_back(job.kind);
  return false;
}

}  // namespace flexmig::sched
