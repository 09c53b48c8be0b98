#pragma once

#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/sim/comparison.h"

namespace flexmig::sim {

// static:best, the best fixed layouts in hindsight, as far as this search finds them:
// 1. every layout that no instance can be added to, on all GPUs;
// 2. a mix by demand: GPU after GPU gets the layout that lowers most how long the instances of at
//    least t slices would be busy with the jobs of at least t slices, for the t where that is most;
// 3. from the best of these on, an eighth of the GPUs that have one layout are given another: of
// all
//    such moves the best, as long as one makes it better and at most four times.
// Better is: more jobs done, then the shorter makespan, then the shorter mean JCT. Every step is a
// whole run over the workload, up to about 100 on an A100; the result is at least as good as each
// layout of 1. A `watch` sees the best one run once more. kInternal if the board has no layout.
Result<PolicyRun> SearchStatic(std::string_view name, const Workload& workload,
                               const SchemeContext& context, std::string_view queue,
                               const Watch& watch);

}  // namespace flexmig::sim
