#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "flexmig/base/strong_id.h"
#include "flexmig/sched/job.h"

namespace flexmig::sched {

// Which living jobs wait for which, and how the last jobs ended.
//
// Threading: thread-compatible. Memory: one entry a dependency of a living job, and
// `ended_jobs_kept` names.
class Dependencies {
 public:
  explicit Dependencies(size_t ended_jobs_kept) : kept_(ended_jobs_kept) {}

  // How a job ended that is among the last ones; the latest of that name. O(ended_jobs_kept), and
  // only jobs with dependencies ask.
  [[nodiscard]] std::optional<JobEnd> EndOf(const JobId& id) const;

  struct Waiter {
    JobId id;
    uint64_t sequence;  // tells it from a later job of the same name
    Dependency::Condition condition;
  };

  // A job waits for the end of `dependency.job`, which lives. O(1).
  void Add(const Dependency& dependency, const JobId& waiter, uint64_t sequence);

  // Who waited for this job; they do not any more. Some may be gone. O(1) if nobody did.
  std::vector<Waiter> OnEnd(const JobId& id, JobEnd end);

 private:
  struct Ended {
    JobId id;
    JobEnd end;
  };

  size_t kept_;
  std::vector<Ended> ended_;  // a ring once it is full
  size_t oldest_ = 0;
  std::unordered_map<JobId, std::vector<Waiter>> waiters_;
};

}  // namespace flexmig::sched
