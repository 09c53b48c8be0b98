#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"
#include "flexmig/sched/job.h"
#include "flexmig/sched/time.h"

namespace flexmig::sched {

// Place in the queue: smaller key first, then the order of submission.
struct QueuePosition {
  int64_t key = 0;
  uint64_t sequence = 0;

  friend auto operator<=>(const QueuePosition&, const QueuePosition&) = default;
};

struct QueueShape;

// A job and its place in the queue.
struct QueuedJob {
  Job job;
  TimePoint submit_time;
  QueuePosition position;
  QueueShape* shape = nullptr;  // nullptr once it runs
};

// All waiting jobs with equal requests, in queue order. If the first of them does not fit now, none
// does: a pass over a long queue tries each shape, not each job.
struct QueueShape {
  std::map<QueuePosition, QueuedJob*> jobs;
  // The pool's growth count (see Scheduler) when a job of this shape last did not fit: until the
  // pool grows it will not fit again.
  std::optional<uint64_t> blocked_at;
  // Why such a request could not run even on the empty node.
  Status impossible;
};

// The waiting jobs in queue order, kept apart by shape. Does not own the jobs: the Scheduler does.
//
// Invariants: a job is in exactly the shape of its request; shapes stay where they are in memory
// while they have jobs. Threading: thread-compatible.
class JobQueue {
 public:
  // The shape of a request, created if it is new; then `is_new` is set.
  struct ShapeLookup {
    QueueShape* shape = nullptr;
    bool is_new = false;
  };
  ShapeLookup ShapeOf(const alloc::AllocationRequest& request);

  // REQUIRES: job->shape is the shape of its request; its position is not taken. O(log n).
  void Add(QueuedJob* job);
  // REQUIRES: it was added. O(log n).
  void Remove(const QueuedJob* job);

  [[nodiscard]] size_t size() const { return size_; }
  // The first in queue order, nullptr if there is none. O(shapes).
  [[nodiscard]] QueuedJob* Front() const;

 private:
  friend class QueueCursor;
  // Not optional<int> but its value or 0: max_gpus is at least 1.
  using ShapeKey = std::tuple<int, int, int64_t, int>;

  void ForgetEmptyShapes();

  std::map<ShapeKey, QueueShape> shapes_;
  size_t size_ = 0;
};

// Walks over waiting jobs in queue order, merging the shapes: O(log shapes + log n) a step. The job
// last returned may be removed from the queue; any other change of the queue ends the walk.
class QueueCursor {
 public:
  // All jobs.
  explicit QueueCursor(const JobQueue& queue) : QueueCursor(queue, std::nullopt) {}
  // Without the shapes whose blocked_at is `growth`.
  QueueCursor(const JobQueue& queue, std::optional<uint64_t> growth);

  // nullptr at the end.
  QueuedJob* Next();
  // Leaves out the other jobs of the shape of the job last returned. REQUIRES: there is one.
  void SkipShape();

 private:
  struct Head {
    QueuePosition position;
    QueueShape* shape;
  };
  struct Later {
    bool operator()(const Head& a, const Head& b) const { return b.position < a.position; }
  };

  std::vector<Head> heap_;    // the next job of each shape that is still walked, first on top
  std::optional<Head> last_;  // returned, and its shape not skipped
};

}  // namespace flexmig::sched
