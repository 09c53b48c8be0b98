#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/sim/scheme.h"
#include "flexmig/sim/simulator.h"
#include "flexmig/sim/summary.h"
#include "flexmig/sim/workload.h"

namespace flexmig::sim {

// What one policy made of a workload.
struct PolicyRun {
  std::string description;  // Scheme::Describe
  Outcome outcome;
  Summary summary;
};

// Whether RunPolicy knows such a policy. Errors: as RunPolicy.
Status CheckPolicy(std::string_view policy, const SchemeContext& context);

// Says who watches the run under a scheme. What it names outlives that run.
using Watch = std::function<SimulationOptions(const Scheme&)>;

// Runs the workload under a scheme, which has not run yet.
Result<PolicyRun> RunScheme(Scheme& scheme, const Workload& workload, std::string_view queue,
                            const SimulationOptions& options = {});

// Runs the workload under `policy`: what MakeScheme knows, or "static:best", the best fixed layouts
// in hindsight (up to 100 runs; see static_search.h). `queue` as sched::MakeQueuePolicy. `watch` is
// asked once, for the run that is returned: a search runs its best scheme once more for it.
// Errors: those of MakeScheme, MakeQueuePolicy and Simulate.
Result<PolicyRun> RunPolicy(std::string_view policy, const Workload& workload,
                            const SchemeContext& context, std::string_view queue,
                            const Watch& watch = nullptr);

}  // namespace flexmig::sim
