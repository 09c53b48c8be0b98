#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/sched/time.h"

namespace flexmig::sched {

// How a job ended, in the eyes of jobs that depend on it.
enum class JobEnd { kOk, kFailed };

// "Not before that job has ended." A job that is cancelled, rejected or ended by its time limit has
// failed.
struct Dependency {
  enum class Condition {
    kEnded,    // however
    kEndedOk,  // if it fails, the dependent job is rejected
  };
  JobId job;
  Condition condition = Condition::kEndedOk;

  friend bool operator==(const Dependency&, const Dependency&) = default;
};

// A job that runs on any number of leaves in a range; the number is chosen when it starts.
// REQUIRES (checked by Scheduler::Submit): 1 <= min_leaves <= request.leaf_count <= max_leaves;
// one positive speed for each number, not falling.
struct MoldableRange {
  int min_leaves = 1;
  int max_leaves = 1;
  // speeds[i] is the speed on min_leaves + i leaves, in any one unit, at most 10^9.
  std::vector<int64_t> speeds;

  [[nodiscard]] int64_t SpeedOn(int leaves) const {
    return speeds[static_cast<size_t>(leaves - min_leaves)];
  }
  friend bool operator==(const MoldableRange&, const MoldableRange&) = default;
};

// What is known of a job when it is submitted.
struct Job {
  JobId id;
  alloc::AllocationRequest request;
  std::optional<Duration> estimate;  // the user's, of its run time on request.leaf_count leaves
  // When it has run so long, the scheduler asks for its end. Above 0.
  std::optional<Duration> time_limit;
  int priority = 0;               // higher first
  std::string user;               // fair shares and quotas are per user; "" is one user, too
  std::vector<Dependency> after;  // on jobs that are known already
  bool held = false;              // waits for Scheduler::ReleaseHold
  std::optional<MoldableRange> moldable;
};

// The fewest leaves on which the job runs, and the most.
[[nodiscard]] inline int MinLeaves(const Job& job) {
  return job.moldable ? job.moldable->min_leaves : job.request.leaf_count;
}
[[nodiscard]] inline int MaxLeaves(const Job& job) {
  return job.moldable ? job.moldable->max_leaves : job.request.leaf_count;
}

// The job starts now on these leaves, which it holds until Finish.
struct StartJob {
  JobId job;
  alloc::Allocation allocation;

  friend bool operator==(const StartJob&, const StartJob&) = default;
};

// The job is forgotten. kInvalidArgument: it could not run even on the empty node;
// kFailedPrecondition: a job that it depends on has failed.
struct RejectJob {
  JobId job;
  Status reason;

  friend bool operator==(const RejectJob&, const RejectJob&) = default;
};

// The job's time limit is over: its owner ends it and reports Finish. Said once.
struct EndJob {
  JobId job;

  friend bool operator==(const EndJob&, const EndJob&) = default;
};

using Decision = std::variant<StartJob, RejectJob, EndJob>;

}  // namespace flexmig::sched
