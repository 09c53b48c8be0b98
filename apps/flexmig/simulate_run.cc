#include "simulate_run.h"

#include <cstdio>
#include <filesystem>
#include <memory>

#include <unistd.h>

#include "flexmig/base/sha256.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/version.h"
#include "flexmig/sim/comparison.h"

#include "progress.h"

namespace flexmig::app {

namespace {

// What the files of --out say of a comparison, but for its policies and runs.
Result<report::ReportData> DescribeComparison(const ComparisonInput& input,
                                              const sim::SchemeContext& context,
                                              const SimulationReport& report) {
  report::ReportData data;
  const sim::ClusterShape& cluster = context.cluster;
  // Without its folders, which say more of the machine than of the trace.
  data.title = StrCat(std::filesystem::path(input.trace_name).filename().native(), " on ",
                      cluster.nodes == 1 ? "" : StrCat(cluster.nodes, " nodes of "),
                      cluster.gpus_per_node, cluster.gpus_per_node == 1 ? " GPU" : " GPUs");
  data.version = Version();
  data.command = CommandLine();
  data.trace_name = input.trace_description;
  if (!input.trace_path.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(data.trace_sha256, Sha256OfFile(input.trace_path));
  }
  data.trace_jobs = input.trace_jobs;
  data.node_count = cluster.nodes;
  data.gpu_count = cluster.gpu_count();
  data.gpu_product = context.model->product;
  data.slices_per_gpu = context.model->compute_slices;
  data.assumptions = report.assumptions;
  return data;
}

}  // namespace

Status RunPolicies(const ComparisonInput& input, const OutputArguments& files,
                   const sim::SchemeContext& context, const sim::Workload& workload,
                   SimulationReport& report) {
  FLEXMIG_ASSIGN_OR_RETURN(auto output, SimulationOutput::Create(files));
  report::ReportData data;
  if (output.is_wanted()) {
    FLEXMIG_ASSIGN_OR_RETURN(data, DescribeComparison(input, context, report));
  }
  {
    Progress progress(STDERR_FILENO, input.policies.size(), workload.jobs.size());
    for (const std::string_view policy : input.policies) {
      progress.Begin(std::string(policy));
      const report::RunKey key{data.runs.size(), std::string(policy), input.load, "", input.seed};
      std::unique_ptr<report::RunRecorder> recorder;
      const auto watch = [&](const sim::Scheme& scheme) {
        sim::SimulationOptions watched;
        watched.observers = {&progress};
        if (!output.is_wanted()) return watched;
        recorder = output.Record(key, workload, scheme, *context.model);
        watched.observers.push_back(recorder.get());
        return watched;
      };
      // With nothing to show or write, a search need not run its best layout again to be watched.
      const bool is_watched = output.is_wanted() || ::isatty(STDERR_FILENO) == 1;
      FLEXMIG_ASSIGN_OR_RETURN(auto run,
                               sim::RunPolicy(policy, workload, context, input.queue,
                                              is_watched ? sim::Watch(watch) : sim::Watch()));
      report.policy_descriptions.push_back(run.description);
      report.summaries.push_back(run.summary);
      if (recorder == nullptr) continue;
      FLEXMIG_ASSIGN_OR_RETURN(auto detail, recorder->Finish(run.outcome));
      data.policies.push_back({std::string(policy), run.summary.role, std::move(run.description)});
      data.runs.push_back({key, workload.offered_load, std::move(run.summary), std::move(detail)});
    }
  }
  if (!output.is_wanted()) return OkStatus();
  FLEXMIG_ASSIGN_OR_RETURN(const std::string note, output.Commit(data));
  if (!note.empty()) std::fprintf(stderr, "flexmig: %s\n", note.c_str());
  return OkStatus();
}

}  // namespace flexmig::app
