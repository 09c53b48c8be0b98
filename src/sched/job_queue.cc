#include "flexmig/sched/job_queue.h"

#include <algorithm>
#include <utility>

#include "flexmig/base/check.h"

namespace flexmig::sched {

namespace {

// So many groups without jobs are kept for the next job of theirs; more are forgotten.
constexpr size_t kGroupsKept = 256;

bool Later(const QueuedJob* a, const QueuedJob* b) { return IsBefore(*b, *a); }

// The first job at or behind `job` in its tree whose shortest_run is within `window`.
QueuedJob* FirstWithin(QueuedJob* job, Duration window) {
  const auto within = [&](const QueuedJob* subtree) {
    return subtree != nullptr && subtree->aggregate <= window.count();
  };
  while (job != nullptr) {
    if (job->shortest_run <= window) return job;
    if (QueuedJob* at = QueueTree::Right(*job); within(at)) {
      while (true) {
        if (QueuedJob* left = QueueTree::Left(*at); within(left)) {
          at = left;
        } else if (at->shortest_run <= window) {
          return at;
        } else {
          at = QueueTree::Right(*at);  // the minimum is somewhere
        }
      }
    }
    // Up to the first ancestor that is behind.
    QueuedJob* parent = QueueTree::Parent(*job);
    while (parent != nullptr && QueueTree::Right(*parent) == job) {
      job = parent;
      parent = QueueTree::Parent(*parent);
    }
    job = parent;
  }
  return nullptr;
}

}  // namespace

bool IsBefore(const QueuedJob& a, const QueuedJob& b) {
  if (a.position.minus_priority != b.position.minus_priority) {
    return a.position.minus_priority < b.position.minus_priority;
  }
  if (a.group->usage != b.group->usage) return a.group->usage < b.group->usage;
  return a.position < b.position;
}

QueueGroup& JobQueue::GroupOf(const QueuedJob& job) {
  const int user = grouping_.by_user ? job.user : 0;
  const GroupKey key = grouping_.by_request ? GroupKey(MinLeaves(job.job), job.kind->ordinal, user)
                                            : GroupKey(0, 0, user);
  if (const auto known = groups_.find(key); known != groups_.end()) return known->second;
  if (groups_.size() >= kGroupsKept) ForgetEmptyGroups();
  QueueGroup& group = groups_[key];
  group.user = user;
  if (grouping_.by_request) {
    group.min_leaves = MinLeaves(job.job);
    group.kind = job.kind;
  }
  return group;
}

void JobQueue::ForgetEmptyGroups() {
  std::erase_if(groups_, [](const auto& entry) { return entry.second.jobs.empty(); });
}

void JobQueue::Add(QueuedJob* job) {
  QueueGroup& group = GroupOf(*job);
  // A kind that was forgotten between two jobs of this group has a new place and a new ordinal, so
  // that an empty group of the old ordinal is never met again.
  job->group = &group;
  const QueuedJob* front = group.jobs.First();
  group.jobs.Insert(*job);
  if (front == nullptr) {
    group.place = filled_.size();
    filled_.push_back(&group);
  }
  if (group.jobs.First() != front) MoveTowardsFront(group.place);

  job->older = newest_;
  job->newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = job;
  newest_ = job;
  ++size_;
  leaves_wanted_ += MinLeaves(job->job);
}

void JobQueue::Remove(QueuedJob* job) {
  QueueGroup& group = *job->group;
  const bool was_front = group.jobs.First() == job;
  group.jobs.Erase(*job);
  job->group = nullptr;
  if (group.jobs.empty()) {
    TakeOut(group);
  } else if (was_front) {
    MoveTowardsBack(group.place);
  }

  (job->older != nullptr ? job->older->newer : oldest_) = job->newer;
  (job->newer != nullptr ? job->newer->older : newest_) = job->older;
  job->older = job->newer = nullptr;
  --size_;
  leaves_wanted_ -= MinLeaves(job->job);
}

QueuedJob* JobQueue::Front(const std::function<bool(const QueueGroup&)>& may) const {
  if (filled_.empty()) return nullptr;
  if (!grouping_.by_user && !may) return filled_.front()->jobs.First();
  QueuedJob* front = nullptr;
  for (const QueueGroup* group : filled_) {
    QueuedJob* first = group->jobs.First();
    if (front != nullptr && !IsBefore(*first, *front)) continue;
    if (!may || may(*group)) front = first;
  }
  return front;
}

void JobQueue::SetUsage(const std::function<int64_t(int user)>& usage_of) {
  for (QueueGroup* group : filled_) group->usage = usage_of(group->user);
}

void JobQueue::TakeOut(QueueGroup& group) {
  const size_t place = group.place;
  Swap(place, filled_.size() - 1);
  filled_.pop_back();
  if (place == filled_.size()) return;
  MoveTowardsFront(place);
  MoveTowardsBack(place);
}

void JobQueue::MoveTowardsFront(size_t place) {
  if (grouping_.by_user) return;
  while (place > 0) {
    const size_t parent = (place - 1) / 2;
    if (!IsBefore(*filled_[place]->jobs.First(), *filled_[parent]->jobs.First())) return;
    Swap(place, parent);
    place = parent;
  }
}

void JobQueue::MoveTowardsBack(size_t place) {
  if (grouping_.by_user) return;
  while (true) {
    size_t first = place;
    for (size_t child = 2 * place + 1; child <= 2 * place + 2 && child < filled_.size(); ++child) {
      if (IsBefore(*filled_[child]->jobs.First(), *filled_[first]->jobs.First())) first = child;
    }
    if (first == place) return;
    Swap(place, first);
    place = first;
  }
}

void JobQueue::Swap(size_t a, size_t b) {
  std::swap(filled_[a], filled_[b]);
  filled_[a]->place = a;
  filled_[b]->place = b;
}

QueueCursor::QueueCursor(const JobQueue& queue) {
  for (const QueueGroup* group : queue.filled_) heap_.push_back(group->jobs.First());
  std::make_heap(heap_.begin(), heap_.end(), Later);
}

QueueCursor::QueueCursor(const JobQueue& queue, int free_leaves, uint64_t growth,
                         const BackfillFilter* filter)
    : filter_(filter) {
  FLEXMIG_CHECK(queue.grouping_.by_request);
  // By min_leaves: the walk ends at the first group that is too wide.
  for (const auto& [key, group] : queue.groups_) {
    if (group.min_leaves > free_leaves) break;
    if (group.jobs.empty() || group.kind->blocked_at == growth) continue;
    if (QueuedJob* first = FirstPassing(group.jobs.First())) heap_.push_back(first);
  }
  std::make_heap(heap_.begin(), heap_.end(), Later);
}

QueuedJob* QueueCursor::Next() {
  if (returned_) {
    Push(FirstPassing(after_));
    returned_ = false;
  }
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    QueuedJob* job = heap_.back();
    heap_.pop_back();
    if (filter_ != nullptr && !filter_->Passes(*job)) {  // it has become stricter
      Push(FirstPassing(job));
      continue;
    }
    returned_ = true;
    after_ = QueueTree::Next(*job);
    return job;
  }
  return nullptr;
}

void QueueCursor::SkipGroup() {
  FLEXMIG_CHECK(returned_);
  returned_ = false;
}

QueuedJob* QueueCursor::FirstPassing(QueuedJob* job) const {
  if (job == nullptr || filter_ == nullptr) return job;
  if (filter_->PassesWhole(*job->kind)) return job;  // as all of its group
  return FirstWithin(job, filter_->window);
}

void QueueCursor::Push(QueuedJob* job) {
  if (job == nullptr) return;
  heap_.push_back(job);
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

}  // namespace flexmig::sched
