// flexmig trace: what is in a trace, and the same trace in the project's own format.

#include <algorithm>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_writer.h"
#include "flexmig/trace/describe.h"

#include "commands.h"
#include "exit_code.h"
#include "output.h"
#include "trace_flags.h"

namespace flexmig::app {

namespace {

template <typename T>
double Seconds(T time) {
  if constexpr (requires { time.time_since_epoch(); }) {
    return Seconds(time.time_since_epoch());
  } else {
    return std::chrono::duration<double>(time).count();
  }
}

double Percent(int64_t part, int64_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string RenderTable(const trace::Trace& trace, const trace::Description& d) {
  const double days = Seconds(d.last_submit - d.first_submit) / 86'400;
  const auto percent = [&](int64_t jobs) { return FormatFixed(Percent(jobs, d.jobs), 1); };
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"format", std::string(trace::TraceFormatName(trace.format))},
      {"rows", StrCat(trace.rows)},
      {"left out", DescribeLeftOut(trace)},
      {"bad rows", StrCat(trace.bad_rows)},
      {"jobs",
       StrCat(d.jobs,
              trace.moved > 0 ? StrCat(", ", trace.moved, " out of order in the file") : "")},
      {"submitted", StrCat(Seconds(d.first_submit), " to ", Seconds(d.last_submit), " s, ",
                           FormatFixed(days, 2), " days")},
      {"duration", StrCat("median ", Seconds(d.median_duration), " s, p95 ",
                          Seconds(d.p95_duration), " s, longest ", Seconds(d.max_duration), " s")},
      {"demand", StrCat(percent(d.fractional), " % a share of a GPU, ", percent(d.one_gpu),
                        " % one, ", percent(d.multi_gpu), " % several")},
      {"GPU hours", FormatFixed(d.gpu_hours, 1)},
      {"GPUs in use",
       StrCat("mean ", FormatFixed(d.mean_gpus, 1), ", p95 ", FormatFixed(d.p95_gpus, 1), ", peak ",
              FormatFixed(d.peak_gpus, 1), " if nobody had to wait")}};
  std::string out;
  for (const auto& [name, text] : lines) {
    out += StrCat(name, std::string(13 - name.size(), ' '), text, "\n");
  }
  return out;
}

std::string RenderJson(const trace::Trace& trace, const trace::Description& d) {
  nlohmann::ordered_json json = {{"format", trace::TraceFormatName(trace.format)},
                                 {"rows", trace.rows},
                                 {"left_out", trace.left_out},
                                 {"bad_rows", trace.bad_rows},
                                 {"jobs", d.jobs},
                                 {"out_of_order", trace.moved},
                                 {"first_submit_s", Seconds(d.first_submit)},
                                 {"last_submit_s", Seconds(d.last_submit)},
                                 {"median_duration_s", Seconds(d.median_duration)},
                                 {"p95_duration_s", Seconds(d.p95_duration)},
                                 {"max_duration_s", Seconds(d.max_duration)},
                                 {"fractional_percent", Percent(d.fractional, d.jobs)},
                                 {"one_gpu_percent", Percent(d.one_gpu, d.jobs)},
                                 {"multi_gpu_percent", Percent(d.multi_gpu, d.jobs)},
                                 {"gpu_hours", d.gpu_hours},
                                 {"mean_gpus_in_use", d.mean_gpus},
                                 {"p95_gpus_in_use", d.p95_gpus},
                                 {"peak_gpus_in_use", d.peak_gpus}};
  return json.dump(2) + "\n";
}

struct DescribeArguments {
  std::string trace;
  TraceFileFlags flags;
  OutputFormat output = OutputFormat::kTable;
};

Status DescribeTrace(const DescribeArguments& arguments) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto trace, ReadTraceFile(arguments.trace, arguments.flags));
  const auto description = trace::Describe(trace.jobs);
  if (!description.ok()) {
    return description.status().WithContext(
        StrCat(arguments.trace, " (left out: ", DescribeLeftOut(trace), ")"));
  }
  return WriteOut(arguments.output == OutputFormat::kJson ? RenderJson(trace, *description)
                                                          : RenderTable(trace, *description));
}

struct ConvertArguments {
  std::string trace;
  std::string output;
  TraceFileFlags flags;
};

Status ConvertTrace(const ConvertArguments& arguments) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto trace, ReadTraceFile(arguments.trace, arguments.flags));
  // Formats that were sorted here by submit time alone have equal times in the order of their rows,
  // which is that of their ids; SWF numbers its jobs itself.
  auto jobs = trace.jobs;
  std::sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) {
    return std::pair(a.submit_time, a.id) < std::pair(b.submit_time, b.id);
  });
  FLEXMIG_ASSIGN_OR_RETURN(const std::string text, trace::WriteCsv(jobs));
  FLEXMIG_RETURN_IF_ERROR(WriteFileAtomically(arguments.output, text));
  return WriteOut(StrCat(arguments.output, ": ", jobs.size(), " jobs of ", trace.rows, " rows (",
                         trace::TraceFormatName(trace.format),
                         "), left out: ", DescribeLeftOut(trace), "\n"));
}

}  // namespace

void AddTraceCommand(CLI::App& app, int& exit_code) {
  CLI::App* trace = app.add_subcommand(
      "trace", "Describe traces of other clusters, and convert them to trace CSV");
  trace->require_subcommand(1);

  auto describe = std::make_shared<DescribeArguments>();
  CLI::App* command = trace->add_subcommand("describe", "Print what a trace is like");
  command->add_option("TRACE", describe->trace, "Trace in any format, plain or gzip")->required();
  AddTraceFileFlags(*command, describe->flags);
  AddOutputOption(*command, describe->output);
  command->callback([describe, &exit_code] { exit_code = Report(DescribeTrace(*describe)); });

  auto convert = std::make_shared<ConvertArguments>();
  command = trace->add_subcommand("convert", "Write a trace as trace CSV");
  command->add_option("TRACE", convert->trace, "Trace in any format, plain or gzip")->required();
  command->add_option("-o,--output", convert->output, "File to write; replaced as a whole")
      ->required();
  AddTraceFileFlags(*command, convert->flags);
  command->callback([convert, &exit_code] { exit_code = Report(ConvertTrace(*convert)); });
}

}  // namespace flexmig::app
