#include "flexmig/sched/running_jobs.h"

namespace flexmig::sched {

void RunningJobs::Add(QueuedJob& job) {
  by_end_.Insert(job);
  ++size_;
}

void RunningJobs::Remove(QueuedJob& job) {
  by_end_.Erase(job);
  --size_;
}

int64_t RunningJobs::LeavesUntil(TimePoint time) const {
  int64_t sum = 0;
  const QueuedJob* at = by_end_.root();
  while (at != nullptr) {
    if (at->expected_end > time) {
      at = RunningTree::Left(*at);
      continue;
    }
    const QueuedJob* left = RunningTree::Left(*at);
    sum += at->leaves_held + (left != nullptr ? left->aggregate : 0);
    at = RunningTree::Right(*at);
  }
  return sum;
}

TimePoint RunningJobs::TimeOfLeaves(int64_t leaves) const {
  const QueuedJob* at = by_end_.root();
  while (at != nullptr) {
    const QueuedJob* left = RunningTree::Left(*at);
    const int64_t before = left != nullptr ? left->aggregate : 0;
    if (before >= leaves) {
      at = left;
    } else if (before + at->leaves_held >= leaves) {
      return at->expected_end;
    } else {
      leaves -= before + at->leaves_held;
      at = RunningTree::Right(*at);
    }
  }
  return kNever;
}

}  // namespace flexmig::sched
