#pragma once

#include <memory>

#include "flexmig/sched/queue_policy.h"

namespace flexmig::sched {

std::unique_ptr<QueuePolicy> MakeFifo();
std::unique_ptr<QueuePolicy> MakeFifoSkip();
std::unique_ptr<QueuePolicy> MakeSjf();
std::unique_ptr<QueuePolicy> MakeEasy();
std::unique_ptr<QueuePolicy> MakeConservative();

// Tries every queued job in queue order; a starved one first, and behind its reservation if it does
// not fit. Cost: O((starts + groups that could fit) log n), whatever the number of jobs that stay.
void StartAllThatFit(SchedulingPass& pass);

// Starts, in queue order, all jobs that fit and do not delay `first`, which does not fit now.
// Cost: a Reservation, and O((starts + groups that could fit) log n).
void StartBehind(SchedulingPass& pass, const QueuedJob& first);

}  // namespace flexmig::sched
