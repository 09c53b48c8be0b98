#include "flexmig/sched/moldable.h"

#include <algorithm>

namespace flexmig::sched {

namespace {
__extension__ using Wide = __int128;
}

Duration RunTimeOn(const Job& job, int leaves) {
  const Duration limit = job.time_limit.value_or(kUnbounded);
  if (!job.estimate) return limit;
  if (!job.moldable || leaves == job.request.leaf_count) return std::min(*job.estimate, limit);
  const int64_t speed = job.moldable->SpeedOn(leaves);
  const int64_t reference = job.moldable->SpeedOn(job.request.leaf_count);
  const Wide scaled =
      (static_cast<Wide>(job.estimate->count()) * reference + speed - 1) / speed;  // rounded up
  const Wide bounded = std::min(scaled, static_cast<Wide>(limit.count()));
  return Duration(static_cast<int64_t>(bounded));
}

Duration ShortestRun(const Job& job) { return RunTimeOn(job, MaxLeaves(job)); }

int WidestUseful(const Job& job, int cap) {
  if (!job.moldable) return job.request.leaf_count;
  int leaves = std::min(cap, job.moldable->max_leaves);
  while (leaves > job.moldable->min_leaves &&
         job.moldable->SpeedOn(leaves - 1) >= job.moldable->SpeedOn(leaves)) {
    --leaves;
  }
  return leaves;
}

int WidthCap(const Job& job, int free_leaves, int64_t wanted) {
  const int64_t surplus = std::max<int64_t>(0, free_leaves - wanted);
  return static_cast<int>(std::min<int64_t>(MaxLeaves(job), MinLeaves(job) + surplus));
}

std::optional<TimePoint> BetterLater(const Job& job, int leaves, int free_leaves, TimePoint now,
                                     const RunningJobs& running) {
  const Duration run_now = RunTimeOn(job, leaves);
  if (!job.moldable || run_now == kUnbounded) return std::nullopt;
  TimePoint earliest_finish = AddClamped(now, run_now);
  std::optional<TimePoint> later;
  const int64_t overdue = running.LeavesUntil(now);
  for (int more = leaves + 1; more <= job.moldable->max_leaves; ++more) {
    if (more <= free_leaves) continue;  // free already, and not taken for a reason
    const TimePoint then = running.TimeOfLeaves(more - free_leaves + overdue);
    if (then == kNever) break;
    const TimePoint finish = AddClamped(then, RunTimeOn(job, more));
    if (finish >= earliest_finish) continue;
    earliest_finish = finish;
    later = then;
  }
  return later;
}

}  // namespace flexmig::sched
