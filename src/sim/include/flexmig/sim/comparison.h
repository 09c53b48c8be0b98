#pragma once

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

// Runs the workload under a scheme, which has not run yet.
Result<PolicyRun> RunScheme(Scheme& scheme, const Workload& workload, std::string_view queue);

// Runs the workload under `policy`: what MakeScheme knows, or "static:best", the best fixed layouts
// in hindsight (up to 100 runs; see static_search.h). `queue` as sched::MakeQueuePolicy.
// Errors: those of MakeScheme, MakeQueuePolicy and Simulate.
Result<PolicyRun> RunPolicy(std::string_view policy, const Workload& workload,
                            const SchemeContext& context, std::string_view queue);

}  // namespace flexmig::sim
