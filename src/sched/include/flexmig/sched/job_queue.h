#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "flexmig/sched/queued_job.h"

namespace flexmig::sched {

// Queued jobs between which only their position decides: of one user where usage or quotas count,
// with equal requests where jobs may pass each other. If the first of a group with equal requests
// does not fit now, none does: a pass over a long queue tries each group, not each job.
struct QueueGroup {
  QueueTree jobs;
  int min_leaves = 0;           // the fewest that any of its jobs can start on
  RequestKind* kind = nullptr;  // nullptr if its jobs ask for different things
  int user = 0;                 // 0 as well if its jobs are of several users
  int64_t usage = 0;            // of the user, as of the last SetUsage
  size_t place = 0;             // in JobQueue::filled_
};

// Whether a comes before b in the queue. REQUIRES: both are queued in the same one.
[[nodiscard]] bool IsBefore(const QueuedJob& a, const QueuedJob& b);

// Which queued jobs may start past an unstarted one in front of them: those that are over within
// `window`, and those that need no more than `room` leaves and are not of a barred kind. May become
// stricter during a walk.
struct BackfillFilter {
  Duration window = kUnbounded;
  int64_t room = 0;
  std::vector<const RequestKind*> barred = {};  // few: only kinds that are not countable

  // Whether jobs of the kind pass however long they run.
  [[nodiscard]] bool PassesWhole(const RequestKind& kind) const {
    return kind.request.leaf_count <= room &&
           std::find(barred.begin(), barred.end(), &kind) == barred.end();
  }
  [[nodiscard]] bool Passes(const QueuedJob& job) const {
    return job.shortest_run <= window || PassesWhole(*job.kind);
  }
};

// The jobs that wait and could start, in queue order: higher priority first, then the user with
// less usage, then the policy's key, then the order of submission. Does not own the jobs.
//
// Invariants: a queued job is in exactly one group; a group stays where it is in memory while it
// has jobs. Threading: thread-compatible.
class JobQueue {
 public:
  struct Grouping {
    bool by_request = true;
    bool by_user = false;
  };
  explicit JobQueue(Grouping grouping) : grouping_(grouping) {}

  // Sets job->group. REQUIRES: not queued here; its position is not taken; its kind, user and
  // queued_since are set, and no queued job has a later one. O(log n).
  void Add(QueuedJob* job);
  // REQUIRES: it was added. O(log n).
  void Remove(QueuedJob* job);

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] const Grouping& grouping() const { return grouping_; }
  // The fewest leaves on which all queued jobs together can run.
  [[nodiscard]] int64_t leaves_wanted() const { return leaves_wanted_; }

  // The first in queue order among the groups that `may` accepts (all if empty), nullptr if there
  // is none. O(1); O(groups) when grouped by user or with `may`.
  [[nodiscard]] QueuedJob* Front(const std::function<bool(const QueueGroup&)>& may = nullptr) const;
  // The longest queued; then QueuedJob::newer. O(1).
  [[nodiscard]] QueuedJob* Oldest() const { return oldest_; }

  // Sets the usage of every group. O(groups). REQUIRES: grouped by user.
  void SetUsage(const std::function<int64_t(int user)>& usage_of);

 private:
  friend class QueueCursor;
  using GroupKey = std::tuple<int, uint64_t, int>;  // min_leaves, kind, user

  QueueGroup& GroupOf(const QueuedJob& job);
  void ForgetEmptyGroups();
  void TakeOut(QueueGroup& group);
  void MoveTowardsFront(size_t place);
  void MoveTowardsBack(size_t place);
  void Swap(size_t a, size_t b);

  Grouping grouping_;
  std::map<GroupKey, QueueGroup> groups_;
  // Groups with jobs. Unless usage counts, a binary heap by their first job's position.
  std::vector<QueueGroup*> filled_;
  QueuedJob* oldest_ = nullptr;
  QueuedJob* newest_ = nullptr;
  size_t size_ = 0;
  int64_t leaves_wanted_ = 0;
};

// Walks over queued jobs in queue order, merging the groups: O(log groups + log n) a step. The job
// last returned may be removed from the queue; any other change of the queue ends the walk.
class QueueCursor {
 public:
  // All jobs.
  explicit QueueCursor(const JobQueue& queue);
  // Only groups that can start on `free_leaves` and whose kind is not blocked at `growth`, and of
  // their jobs only those that `filter` passes (all if nullptr); it outlives the cursor.
  // REQUIRES: the queue is grouped by request.
  QueueCursor(const JobQueue& queue, int free_leaves, uint64_t growth,
              const BackfillFilter* filter = nullptr);

  // nullptr at the end.
  QueuedJob* Next();
  // Leaves out the other jobs of the group of the job last returned. REQUIRES: there is one.
  void SkipGroup();

 private:
  // `job` or the first one behind it in its group that passes the filter.
  [[nodiscard]] QueuedJob* FirstPassing(QueuedJob* job) const;
  void Push(QueuedJob* job);

  const BackfillFilter* filter_ = nullptr;
  std::vector<QueuedJob*> heap_;  // the next job of each group that is still walked, first on top
  bool returned_ = false;         // a job, and its group was not skipped
  QueuedJob* after_ = nullptr;    // the one behind it in its group
};

}  // namespace flexmig::sched
