#pragma once

#include <memory>

#include "flexmig/sched/queue_policy.h"

namespace flexmig::sched {

std::unique_ptr<QueuePolicy> MakeFifo();
std::unique_ptr<QueuePolicy> MakeFifoSkip();
std::unique_ptr<QueuePolicy> MakeSjf();

// Tries every waiting job in queue order. Cost: O((starts + shapes) log n), whatever the number of
// jobs that stay.
void StartAllThatFit(SchedulingPass& pass);

}  // namespace flexmig::sched
