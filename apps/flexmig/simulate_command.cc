// flexmig simulate: what would the policies have made of this workload?

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "flexmig/alloc/policy.h"
#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"
#include "flexmig/sched/queue_policy.h"
#include "flexmig/sim/cluster_shape.h"
#include "flexmig/sim/comparison.h"
#include "flexmig/sim/scheme.h"
#include "flexmig/sim/workload.h"
#include "flexmig/trace/duration_text.h"
#include "flexmig/trace/generator.h"
#include "flexmig/trace/trace_file.h"

#include "commands.h"
#include "exit_code.h"
#include "output.h"
#include "simulate_report.h"
#include "simulate_run.h"
#include "sweep_command.h"
#include "trace_flags.h"
#include "validate.h"

namespace flexmig::app {

namespace {

// As written on the command line; empty where not given.
struct Arguments {
  std::string trace;
  TraceFileFlags trace_file;
  std::string generate;
  std::string cluster = "8";
  std::string span_nodes = "wide";
  std::string model = "a100-40";
  std::string policies = "exclusive,static:best,dynamic-drain,dynamic-partial,flexmig";
  std::string queue = "fifo";
  std::string allocation = "first-fit";
  std::string mapping = "fraction";
  std::string from;
  std::string until;
  std::string resample = "none";
  std::string seed = "1";
  std::string mapping_seed;
  std::string multi_gpu = "leaves";
  std::string load;
  std::string compress;
  std::string speed_class = "middling";
  std::string oversize = "faster";
  std::string communication = "0.9";
  std::string mig_off_speed;
  std::string create_cost;
  std::string destroy_cost;
  std::string restart_cost;
  std::string output = "table";
  OutputArguments files;

  bool validate = false;
  std::string validate_jobs = "40";
  std::string validate_seed = "1";
  std::string calibration;
};

// The value of `flag`, or the error that names it.
template <typename T>
Result<T> Named(std::string_view flag, Result<T> value) {
  if (!value.ok()) return value.status().WithContext(flag);
  return value;
}

Result<std::optional<sched::Duration>> OptionalDuration(std::string_view flag,
                                                        const std::string& text) {
  if (text.empty()) return std::optional<sched::Duration>();
  FLEXMIG_ASSIGN_OR_RETURN(const auto duration, Named(flag, trace::ParseDuration(text)));
  return std::optional(duration);
}

Result<std::optional<double>> OptionalFactor(std::string_view flag, const std::string& text) {
  if (text.empty()) return std::optional<double>();
  FLEXMIG_ASSIGN_OR_RETURN(const double factor, Named(flag, ParseDouble(text, 1e-6, 1e6)));
  return std::optional(factor);
}

int64_t Millionths(double value) { return std::llround(value * 1e6); }

struct NamedTrace {
  std::string description;
  std::vector<trace::JobRecord> records;
  std::optional<uint64_t> seed;  // of the generator
};

Result<NamedTrace> GetTrace(const Arguments& arguments) {
  if (arguments.trace.empty() == arguments.generate.empty()) {
    return InvalidArgumentError("either --trace FILE or --generate SPEC is needed");
  }
  if (!arguments.trace.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(auto trace, ReadTraceFile(arguments.trace, arguments.trace_file));
    std::string description = StrCat(arguments.trace, ", ", trace.jobs.size(), " jobs");
    if (!trace.left_out.empty()) description += StrCat("; left out ", DescribeLeftOut(trace));
    if (trace.bad_rows > 0) description += StrCat("; ", trace.bad_rows, " bad rows skipped");
    return NamedTrace{std::move(description), std::move(trace.jobs), {}};
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto options, trace::ParseGeneratorOptions(arguments.generate));
  FLEXMIG_ASSIGN_OR_RETURN(auto records, trace::Generate(options));
  return NamedTrace{StrCat("generated, ", trace::DescribeGeneratorOptions(options)),
                    std::move(records), options.seed};
}

Result<sim::SpeedModel> GetSpeeds(const Arguments& arguments, const mig::GpuModel& model) {
  sim::SpeedOptions options;
  FLEXMIG_ASSIGN_OR_RETURN(options.speed_class, sim::ParseSpeedClass(arguments.speed_class));
  if (!arguments.mig_off_speed.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(
        const double mig_off,
        Named("--mig-off-speed", ParseDouble(arguments.mig_off_speed, 0.5, 2)));
    options.mig_off = Millionths(mig_off);
  }
  if (arguments.oversize != "faster" && arguments.oversize != "same") {
    return InvalidArgumentError(
        StrCat("--oversize: '", arguments.oversize, "' is not faster or same"));
  }
  options.oversize = arguments.oversize == "same" ? sim::Oversize::kSame : sim::Oversize::kFaster;
  return sim::SpeedModel(model, options);
}

Result<sim::ReconfigurationCosts> GetCosts(const Arguments& arguments) {
  sim::ReconfigurationCosts costs;
  FLEXMIG_ASSIGN_OR_RETURN(costs.create, OptionalDuration("--create-cost", arguments.create_cost));
  FLEXMIG_ASSIGN_OR_RETURN(costs.destroy,
                           OptionalDuration("--destroy-cost", arguments.destroy_cost));
  FLEXMIG_ASSIGN_OR_RETURN(const auto restart,
                           OptionalDuration("--restart-cost", arguments.restart_cost));
  costs.service_restart = restart.value_or(costs.service_restart);
  return costs;
}

Result<sim::WorkloadOptions> GetWorkloadOptions(const Arguments& arguments,
                                                const mig::GpuModel& model) {
  sim::WorkloadOptions options;
  constexpr int64_t kMaxSeed = std::numeric_limits<int64_t>::max();
  FLEXMIG_ASSIGN_OR_RETURN(options.from, OptionalDuration("--from", arguments.from));
  FLEXMIG_ASSIGN_OR_RETURN(options.until, OptionalDuration("--until", arguments.until));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t seed,
                           Named("--seed", ParseInt(arguments.seed, 0, kMaxSeed)));
  FLEXMIG_ASSIGN_OR_RETURN(
      options.resampling,
      Named("--resample", sim::Resampling::Parse(arguments.resample, static_cast<uint64_t>(seed))));
  const std::string& mapping_seed_text =
      arguments.mapping_seed.empty() ? arguments.seed : arguments.mapping_seed;
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t mapping_seed,
                           Named("--mapping-seed", ParseInt(mapping_seed_text, 0, kMaxSeed)));
  FLEXMIG_ASSIGN_OR_RETURN(
      options.mapping,
      sim::Mapping::Parse(arguments.mapping, model, static_cast<uint64_t>(mapping_seed)));
  FLEXMIG_ASSIGN_OR_RETURN(options.multi_gpu,
                           Named("--multi-gpu", sim::ParseMultiGpuJobs(arguments.multi_gpu)));
  FLEXMIG_ASSIGN_OR_RETURN(options.load, OptionalFactor("--load", arguments.load));
  FLEXMIG_ASSIGN_OR_RETURN(options.compress, OptionalFactor("--compress", arguments.compress));
  return options;
}

std::string DescribeLoad(const sim::Workload& workload) {
  std::string text =
      workload.offered_load
          ? StrCat("offered ", FormatFixed(*workload.offered_load, 3),
                   " (slices x time asked for / slices x time from first to last submission)")
          : "all jobs are submitted at once";
  if (workload.compressed_by != 1) {
    text += StrCat(", submit times compressed by ", FormatFixed(workload.compressed_by, 4));
  }
  return text;
}

std::string DescribeSpeeds(const sim::SpeedModel& speeds) {
  const auto fixed = [](int64_t millionths) {
    return FormatFixed(static_cast<double>(millionths) / 1e6, 2);
  };
  return StrCat("every job ", sim::SpeedClassName(speeds.options().speed_class), ": ",
                speeds.DescribeCurve(),
                " of a whole-GPU instance on 1 2 3 4 7 of 7 slices (measured on A100, straight "
                "lines between), ",
                fixed(speeds.mig_off()), " with MIG off",
                speeds.options().mig_off ? " (given)" : " (from SM counts)");
}

std::string DescribeCluster(const sim::SchemeContext& context) {
  const std::string gpus = StrCat(context.cluster.gpu_count(), " x ", context.model->product, ", ",
                                  context.model->compute_slices, " compute slices each, as ");
  if (context.cluster.nodes == 1) return StrCat(gpus, "one node");
  const std::string nodes =
      StrCat(gpus, context.cluster.nodes, " nodes of ", context.cluster.gpus_per_node, "; ");
  switch (context.span_nodes) {
    case sim::SpanNodes::kNo: return StrCat(nodes, "no job spans nodes");
    case sim::SpanNodes::kWide:
      return StrCat(nodes, "only jobs wider than a node span nodes, as few as could hold them");
    case sim::SpanNodes::kAny: return StrCat(nodes, "any job may span nodes");
  }
  FLEXMIG_CHECK(false);
}

// Everything a result rests on.
std::vector<std::pair<std::string, std::string>> DescribeAssumptions(
    const NamedTrace& trace, const Arguments& arguments, const sim::SchemeContext& context,
    const sim::WorkloadOptions& options, const sim::Workload& workload) {
  const mig::GpuModel& model = *context.model;
  std::vector<std::pair<std::string, std::string>> lines = {{"trace", trace.description}};
  if (options.from || options.until) {
    lines.emplace_back(
        "window",
        StrCat("submitted from ", arguments.from.empty() ? "the beginning" : arguments.from,
               " until ", arguments.until.empty() ? "the end" : arguments.until, "; ",
               workload.outside_window, " jobs outside"));
  }
  if (options.resampling.kind != sim::Resampling::Kind::kNone) {
    lines.emplace_back("resampling", options.resampling.Describe());
  }
  const std::vector<std::pair<std::string, std::string>> rest = {
      {"cluster", DescribeCluster(context)},
      {"queue", StrCat(arguments.queue, ", run times of the trace as estimates")},
      {"mapping", options.mapping.Describe(model)},
      {"multi-GPU jobs",
       StrCat(
           options.multi_gpu == sim::MultiGpuJobs::kSkip
               ? ""
               : StrCat(model.compute_slices, " leaves a GPU; whole GPUs in one-to-one policies"),
           options.multi_gpu == sim::MultiGpuJobs::kFit ? "; " : "",
           options.multi_gpu == sim::MultiGpuJobs::kLeaves
               ? ""
               : StrCat(workload.multi_gpu_left_out, " left out for every policy"))},
      {"load", DescribeLoad(workload)},
      {"speed", DescribeSpeeds(context.speeds)},
      {"oversize", context.speeds.options().oversize == sim::Oversize::kFaster
                       ? "a job on more slices than it asked for runs faster, as its class says"
                       : "a job on more slices than it asked for runs as on those it asked for"},
      {"communication", StrCat(context.communication.Describe(), "; one-to-one policies pay none")},
      {"reconfiguration", context.costs.Describe(model)},
      {"memory", "not a constraint"},
  };
  lines.insert(lines.end(), rest.begin(), rest.end());
  return lines;
}

Result<std::string> Simulate(const Arguments& arguments) {
  FLEXMIG_ASSIGN_OR_RETURN(const mig::GpuModel* model, mig::FindGpuModel(arguments.model));
  FLEXMIG_ASSIGN_OR_RETURN(const auto cluster,
                           Named("--cluster", sim::ClusterShape::Parse(arguments.cluster)));
  FLEXMIG_ASSIGN_OR_RETURN(const auto span_nodes,
                           Named("--span-nodes", sim::ParseSpanNodes(arguments.span_nodes)));
  FLEXMIG_ASSIGN_OR_RETURN(const auto speeds, GetSpeeds(arguments, *model));
  FLEXMIG_ASSIGN_OR_RETURN(const auto costs, GetCosts(arguments));
  FLEXMIG_ASSIGN_OR_RETURN(const auto communication,
                           Named("--comm", sim::Communication::Parse(arguments.communication)));
  const sim::SchemeContext context{
      model, cluster, speeds, costs, communication, arguments.allocation, span_nodes};
  FLEXMIG_ASSIGN_OR_RETURN(auto options, GetWorkloadOptions(arguments, *model));
  options.fit_gpus = sim::MostGpus(span_nodes, cluster);
  if (arguments.output != "table" && arguments.output != "json" && arguments.output != "csv") {
    return InvalidArgumentError(
        StrCat("--output: '", arguments.output, "' is not table, json or csv"));
  }
  // Names first: a typing error should not cost the time of the policies before it.
  FLEXMIG_RETURN_IF_ERROR(alloc::MakePolicy(arguments.allocation).status());
  FLEXMIG_RETURN_IF_ERROR(sched::MakeQueuePolicy(arguments.queue).status());
  const std::vector<std::string_view> policies = StrSplit(arguments.policies, ',');
  for (auto policy = policies.begin(); policy != policies.end(); ++policy) {
    FLEXMIG_RETURN_IF_ERROR(sim::CheckPolicy(*policy, context));
    if (std::find(policies.begin(), policy, *policy) != policy) {
      return InvalidArgumentError(StrCat("--policies: '", *policy, "' is named twice"));
    }
  }

  FLEXMIG_ASSIGN_OR_RETURN(const auto trace, GetTrace(arguments));
  FLEXMIG_ASSIGN_OR_RETURN(
      const auto workload,
      sim::MakeWorkload(trace.records, *model, cluster.gpu_count(), speeds, options));
  SimulationReport report;
  report.assumptions = DescribeAssumptions(trace, arguments, context, options, workload);
  const bool is_generated = arguments.trace.empty();
  const ComparisonInput input{is_generated ? "A generated workload" : arguments.trace,
                              trace.description,
                              arguments.trace,
                              static_cast<int64_t>(trace.records.size()),
                              options.load,
                              trace.seed.value_or(options.mapping.seed),
                              arguments.queue,
                              policies};
  FLEXMIG_RETURN_IF_ERROR(RunPolicies(input, arguments.files, context, workload, report));
  if (arguments.output == "json") return RenderJson(report);
  if (arguments.output == "csv") return RenderCsv(report);
  return RenderTable(report);
}

Result<Validation> RunValidation(const Arguments& arguments) {
  ValidateArguments validate;
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t jobs,
                           Named("--validate-jobs", ParseInt(arguments.validate_jobs, 1, 10'000)));
  validate.jobs = static_cast<int>(jobs);
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t seed,
                           Named("--validate-seed", ParseInt(arguments.validate_seed, 0,
                                                             std::numeric_limits<int64_t>::max())));
  validate.seed = static_cast<uint64_t>(seed);
  validate.calibration = arguments.calibration;
  return Validate(validate);
}

}  // namespace

void AddSimulateCommand(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("simulate", "Replay a trace under several policies and compare them.");
  const auto option = [&](const char* name, std::string& value, const char* help) {
    command->add_option(name, value, help)->capture_default_str();
  };
  option("--trace", arguments->trace, "Trace in any format that is read, plain or gzip");
  AddTraceFileFlags(*command, arguments->trace_file);
  option("--generate", arguments->generate,
         "A made-up trace instead, e.g. jobs=200,seed=1,gap=60s,median=10min,sigma=1.2,"
         "sizes=0.14:1/0.28:4/1:2 (or sizes=openb, openb-shared)");
  option("--cluster,--gpus", arguments->cluster, "GPUs of one node, or NODESxGPUS, e.g. 8x8");
  option("--span-nodes", arguments->span_nodes,
         "Jobs that may run on several nodes: no (none), wide (those that no node could hold) or "
         "any");
  option("--model", arguments->model, "Board of every GPU");
  option("--policies", arguments->policies,
         "Of whole-gpu, exclusive, static:<layout>[/<layout>...], static:best, dynamic-drain, "
         "dynamic-partial, flexmig");
  option("--queue", arguments->queue, "fifo, fifo-skip, sjf, easy or conservative");
  option("--alloc", arguments->allocation,
         ("How flexmig chooses leaves: " + StrJoin(alloc::PolicyNames(), ", ")).c_str());
  option("--mapping", arguments->mapping,
         "GPUs to slices: fraction; for one-GPU jobs also seeded-mix:<slices>=<weight>/... or "
         "model-memory");
  option("--from", arguments->from, "Only jobs submitted from this time of the trace on, e.g. 24h");
  option("--until", arguments->until, "Only jobs submitted before this time of the trace");
  option("--resample", arguments->resample,
         "What a seed varies: none, order (which job comes when) or blocks:<number> (bootstrap)");
  option("--seed", arguments->seed, "Seed of --resample and of seeded-mix");
  option("--mapping-seed", arguments->mapping_seed, "Another seed for seeded-mix");
  option("--multi-gpu", arguments->multi_gpu,
         "Jobs on several GPUs: leaves, fit (without those that the cluster cannot hold) or skip");
  option("--load", arguments->load, "Move submit times until the offered load is this");
  option("--compress", arguments->compress, "Move submit times closer by this factor");
  option("--class", arguments->speed_class,
         "How jobs scale with slices: saturating, middling or light");
  option("--oversize", arguments->oversize,
         "What a job makes of more slices than it asked for: faster (by its class) or same");
  option("--comm", arguments->communication,
         "What exchange between a job's leaves costs: none, the share of speed that is left, or "
         "links[:gradient=102.4MB,step=160ms,link=24GB,latency=60us,overlap=0.5,network=25GB]");
  option("--mig-off-speed", arguments->mig_off_speed,
         "Speed of a GPU with MIG off against its whole-GPU instance [default: by class]");
  option("--create-cost", arguments->create_cost,
         "Time to create an instance, e.g. 0.2s [default: measured, by board and size]");
  option("--destroy-cost", arguments->destroy_cost,
         "Time to destroy an instance [default: measured, by board and size]");
  option("--restart-cost", arguments->restart_cost,
         "Time to restart services after a reconfiguration [default: 3.6s]");
  option("-o,--output", arguments->output, "table, json or csv");
  option("--out", arguments->files.out,
         "Folder for jobs.csv, timeseries.csv, summary.json and report.html");
  option("--html", arguments->files.html, "Write the page of charts and tables to this file");
  option("--gantt-gpus", arguments->files.gantt_gpus,
         "GPUs whose slices the page shows over time, e.g. 0-7; at most 64");
  option("--gantt-from", arguments->files.gantt_from,
         "Show them from so long after the first submission on, e.g. 2h");
  command->add_flag("--validate", arguments->validate,
                    "Run short real jobs on a simulated node and compare with their prediction; "
                    "takes no trace");
  option("--validate-jobs", arguments->validate_jobs, "How many jobs to run");
  option("--validate-seed", arguments->validate_seed, "Seed of their sizes and times");
  option("--calibration", arguments->calibration,
         "Where --validate writes what it measured of this machine, JSON");
  AddSweepCommands(*command, exit_code);
  AddSimulateArrivalCommand(*command, exit_code);
  command->callback([arguments, command, &exit_code] {
    if (!command->get_subcommands().empty()) return;
    if (arguments->validate) {
      const auto validation = RunValidation(*arguments);
      if (!validation.ok()) {
        exit_code = Report(validation.status());
        return;
      }
      exit_code = Report(WriteOut(validation->text));
      if (exit_code == 0 && !validation->agrees) exit_code = 1;
      return;
    }
    const auto text = Simulate(*arguments);
    if (!text.ok()) {
      exit_code = Report(text.status());
      return;
    }
    exit_code = Report(WriteOut(*text));
  });
}

}  // namespace flexmig::app
