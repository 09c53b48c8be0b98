#include "flexmig/sweep/experiment.h"

#include "flexmig/alloc/policy.h"
#include "flexmig/base/strings.h"
#include "flexmig/sched/queue_policy.h"
#include "flexmig/sim/comparison.h"
#include "flexmig/trace/duration_text.h"
#include "flexmig/trace/generator.h"
#include "flexmig/trace/trace_file.h"

namespace flexmig::sweep {
namespace {

constexpr std::string_view kGenerate = "generate:";

template <typename T>
Result<T> Named(std::string_view what, Result<T> value) {
  if (!value.ok()) return value.status().WithContext(what);
  return value;
}

// "", or three durations of which each may be empty.
Result<sim::ReconfigurationCosts> CostsOf(std::string_view text) {
  sim::ReconfigurationCosts costs;
  if (text.empty()) return costs;
  const auto parts = StrSplit(text, ',');
  if (parts.size() != 3) {
    return InvalidArgumentError(StrCat("'", text, "' is not CREATE,DESTROY,RESTART"));
  }
  std::optional<sched::Duration> values[3];
  for (size_t i = 0; i < 3; ++i) {
    if (parts[i].empty()) continue;
    FLEXMIG_ASSIGN_OR_RETURN(values[i], trace::ParseDuration(parts[i]));
  }
  costs.create = values[0];
  costs.destroy = values[1];
  costs.service_restart = values[2].value_or(costs.service_restart);
  return costs;
}

Result<sim::SpeedModel> SpeedsOf(const Setting& setting, const mig::GpuModel& model) {
  sim::SpeedOptions options;
  FLEXMIG_ASSIGN_OR_RETURN(options.speed_class, sim::ParseSpeedClass(setting.speed_class));
  if (setting.oversize != "faster" && setting.oversize != "same") {
    return InvalidArgumentError(StrCat("oversize: '", setting.oversize, "' is not faster or same"));
  }
  options.oversize = setting.oversize == "same" ? sim::Oversize::kSame : sim::Oversize::kFaster;
  return sim::SpeedModel(model, options);
}

Result<sim::WorkloadOptions> WorkloadOptionsOf(const Setting& setting, const mig::GpuModel& model) {
  sim::WorkloadOptions options;
  FLEXMIG_ASSIGN_OR_RETURN(options.mapping,
                           sim::Mapping::Parse(setting.mapping, model, setting.seed));
  FLEXMIG_ASSIGN_OR_RETURN(options.multi_gpu,
                           Named("multi-gpu", sim::ParseMultiGpuJobs(setting.multi_gpu)));
  FLEXMIG_ASSIGN_OR_RETURN(
      options.resampling,
      Named("resample", sim::Resampling::Parse(setting.resample, setting.seed)));
  if (!setting.load.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(options.load, Named("load", ParseDouble(setting.load, 1e-6, 1e6)));
  }
  return options;
}

struct Parsed {
  sim::SchemeContext context;
  sim::WorkloadOptions workload;
};

Result<Parsed> Parse(const Setting& setting) {
  FLEXMIG_ASSIGN_OR_RETURN(const mig::GpuModel* model, mig::FindGpuModel(setting.model));
  FLEXMIG_ASSIGN_OR_RETURN(const auto cluster,
                           Named("cluster", sim::ClusterShape::Parse(setting.cluster)));
  auto span = sim::SpanNodes::kWide;  // makes no difference where there is one node
  if (!setting.span_nodes.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(span, Named("span-nodes", sim::ParseSpanNodes(setting.span_nodes)));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto speeds, SpeedsOf(setting, *model));
  FLEXMIG_ASSIGN_OR_RETURN(const auto costs, Named("costs", CostsOf(setting.costs)));
  sim::Communication communication;
  if (!setting.communication.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(communication,
                             Named("comm", sim::Communication::Parse(setting.communication)));
  }
  std::string allocation = "first-fit";
  if (!setting.allocation.empty()) {
    allocation = setting.allocation;
    FLEXMIG_RETURN_IF_ERROR(alloc::MakePolicy(allocation).status());
  }
  FLEXMIG_RETURN_IF_ERROR(sched::MakeQueuePolicy(setting.queue).status());
  FLEXMIG_ASSIGN_OR_RETURN(auto workload, WorkloadOptionsOf(setting, *model));
  workload.fit_gpus = sim::MostGpus(span, cluster);
  Parsed parsed{{model, cluster, speeds, costs, communication, allocation, span}, workload};
  FLEXMIG_RETURN_IF_ERROR(sim::CheckPolicy(setting.policy, parsed.context));
  return parsed;
}

}  // namespace

Status Experiment::Check(const Setting& setting) {
  FLEXMIG_RETURN_IF_ERROR(Parse(setting).status());
  return TraceOf(setting.trace).status();
}

Result<RunResult> Experiment::Run(const Setting& setting) {
  FLEXMIG_ASSIGN_OR_RETURN(const Parsed parsed, Parse(setting));
  FLEXMIG_ASSIGN_OR_RETURN(const Trace trace, TraceOf(setting.trace));
  const sim::SchemeContext& context = parsed.context;
  FLEXMIG_ASSIGN_OR_RETURN(const auto workload,
                           sim::MakeWorkload(*trace, *context.model, context.cluster.gpu_count(),
                                             context.speeds, parsed.workload));
  FLEXMIG_ASSIGN_OR_RETURN(auto run,
                           sim::RunPolicy(setting.policy, workload, context, setting.queue));
  return RunResult{std::move(run.summary), std::move(run.description),
                   workload.offered_load.value_or(0)};
}

Result<Experiment::Trace> Experiment::TraceOf(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Trace& trace = traces_[name];
  if (trace != nullptr) return trace;
  auto records = [&]() -> Result<std::vector<trace::JobRecord>> {
    if (!name.starts_with(kGenerate)) return trace::LoadTrace(name);
    FLEXMIG_ASSIGN_OR_RETURN(
        const auto options,
        trace::ParseGeneratorOptions(std::string_view(name).substr(kGenerate.size())));
    return trace::Generate(options);
  }();
  if (!records.ok()) return records.status();
  trace = std::make_shared<const std::vector<trace::JobRecord>>(*std::move(records));
  return trace;
}

}  // namespace flexmig::sweep
