#pragma once

#include <cstdint>
#include <optional>

#include "flexmig/sched/job.h"
#include "flexmig/sched/running_jobs.h"

namespace flexmig::sched {

// How long the job runs on so many leaves at most, by what its user says: the estimate, scaled by
// its speed curve, or the time limit if that is shorter; kUnbounded if neither is given.
Duration RunTimeOn(const Job& job, int leaves);

// RunTimeOn the most leaves: the least it can take.
Duration ShortestRun(const Job& job);

// The fewest leaves, at most `cap`, with the greatest speed among those: leaves that do not help
// are not taken. REQUIRES: min_leaves <= cap.
int WidestUseful(const Job& job, int cap);

// How many leaves a job may take now while others wait: its fewest, and of the rest what is left
// when every queued job has its fewest:
//   min(max_leaves, min_leaves + max(0, free - wanted))
// where `wanted` is the fewest leaves of all queued jobs together, this one's included. So a long
// queue makes jobs narrow and a short one makes them wide, and no job is wide at the cost of one
// that could start beside it.
int WidthCap(const Job& job, int free_leaves, int64_t wanted);

// The expected end of a running job for which it is better to wait, if the job would, when started
// then on the leaves that are free then, finish earlier than when started now on `leaves`:
//   then + RunTimeOn(more) < now + RunTimeOn(leaves)
// for some more leaves than `leaves`. Counts leaves of jobs expected to end in the future; those
// that are overdue are taken never to end, so that nobody waits for them. nullopt if now is best.
// Cost: O(range x log running).
std::optional<TimePoint> BetterLater(const Job& job, int leaves, int free_leaves, TimePoint now,
                                     const RunningJobs& running);

}  // namespace flexmig::sched
