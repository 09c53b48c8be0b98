#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <vector>

#include "flexmig/sched/augmented_tree.h"
#include "flexmig/sched/job.h"
#include "flexmig/sched/request_kind.h"
#include "flexmig/sched/time.h"

namespace flexmig::sched {

// A job's place among jobs of users with equal usage: smaller first.
struct QueuePosition {
  int64_t minus_priority = 0;
  int64_t key = 0;        // the queue policy's
  uint64_t sequence = 0;  // the order of submission

  friend auto operator<=>(const QueuePosition&, const QueuePosition&) = default;
};

struct QueueGroup;

struct LeavesOnNode {
  int node;
  int leaves;
};

// A job that the scheduler knows, and all that it knows of it. Owned by the Scheduler, which keeps
// it at one place in memory from Submit to its end; linked into the structures named below.
struct QueuedJob {
  enum class State {
    kSetAside,  // waits, but cannot start: held, or before its dependencies
    kQueued,    // waits in the JobQueue
    kRunning,   // in RunningJobs
  };

  Job job;
  State state = State::kSetAside;
  bool held = false;
  int dependencies_left = 0;
  int user = 0;  // index of job.user
  RequestKind* kind = nullptr;
  TimePoint submit_time;
  QueuePosition position;

  // kQueued:
  TimePoint queued_since;
  QueueGroup* group = nullptr;
  QueuedJob* older = nullptr;  // neighbours in the order of queued_since
  QueuedJob* newer = nullptr;
  // The shortest time in which it can be done by what its user says; kUnbounded if not said.
  Duration shortest_run{};

  // kRunning:
  int leaves_held = 0;
  std::vector<LeavesOnNode> on_nodes;  // where there are several nodes
  TimePoint start_time;
  TimePoint expected_end = kNever;

  // What the Plan has for it, while queued, or counts for it, while it runs; leaves is 0 if
  // nothing.
  struct Planned {
    int leaves = 0;
    int profile = 0;  // index in the Plan
    TimePoint start;
    TimePoint end;
  };
  Planned planned;

  // In its group's tree while queued, in RunningJobs while it runs. The aggregate is the least
  // shortest_run, or the sum of leaves_held, of the subtree.
  TreeLinks<QueuedJob> links;
  int64_t aggregate = 0;
};

// Queued jobs of one group, in queue order.
struct QueueTreeTraits {
  static TreeLinks<QueuedJob>& Links(QueuedJob& job) { return job.links; }
  static bool Less(const QueuedJob& a, const QueuedJob& b) { return a.position < b.position; }
  static void Pull(QueuedJob& job, const QueuedJob* left, const QueuedJob* right) {
    job.aggregate = job.shortest_run.count();
    if (left != nullptr) job.aggregate = std::min(job.aggregate, left->aggregate);
    if (right != nullptr) job.aggregate = std::min(job.aggregate, right->aggregate);
  }
};
using QueueTree = AugmentedTree<QueuedJob, QueueTreeTraits>;

// Running jobs, by expected end.
struct RunningTreeTraits {
  static TreeLinks<QueuedJob>& Links(QueuedJob& job) { return job.links; }
  static bool Less(const QueuedJob& a, const QueuedJob& b) {
    if (a.expected_end != b.expected_end) return a.expected_end < b.expected_end;
    return a.position.sequence < b.position.sequence;
  }
  static void Pull(QueuedJob& job, const QueuedJob* left, const QueuedJob* right) {
    job.aggregate = job.leaves_held + (left != nullptr ? left->aggregate : 0) +
                    (right != nullptr ? right->aggregate : 0);
  }
};
using RunningTree = AugmentedTree<QueuedJob, RunningTreeTraits>;

}  // namespace flexmig::sched
