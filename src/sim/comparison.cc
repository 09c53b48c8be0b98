#include "flexmig/sim/comparison.h"

#include "schemes.h"
#include "static_search.h"

namespace flexmig::sim {
namespace {

constexpr std::string_view kStaticBest = "static:best";

}  // namespace

Status CheckPolicy(std::string_view policy, const SchemeContext& context) {
  if (policy == kStaticBest) return OkStatus();
  return MakeScheme(policy, context).status();
}

Result<PolicyRun> RunPolicy(std::string_view policy, const Workload& workload,
                            const SchemeContext& context, std::string_view queue,
                            const Watch& watch) {
  if (policy == kStaticBest) return SearchStatic(policy, workload, context, queue, watch);
  FLEXMIG_ASSIGN_OR_RETURN(const auto scheme, MakeScheme(policy, context));
  return RunScheme(*scheme, workload, queue, watch ? watch(*scheme) : SimulationOptions());
}

Result<PolicyRun> RunScheme(Scheme& scheme, const Workload& workload, std::string_view queue,
                            const SimulationOptions& options) {
  FLEXMIG_ASSIGN_OR_RETURN(auto queue_policy, sched::MakeQueuePolicy(queue));
  FLEXMIG_ASSIGN_OR_RETURN(auto outcome,
                           Simulate(workload, scheme, std::move(queue_policy), options));
  const SchemeContext& context = scheme.context();
  Summary summary =
      Summarize(workload, scheme, outcome, *context.model, context.cluster.gpu_count());
  return PolicyRun{scheme.Describe(), std::move(outcome), std::move(summary)};
}

}  // namespace flexmig::sim
