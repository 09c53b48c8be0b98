#include "simulate_output.h"

#include <algorithm>
#include <system_error>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/report/render.h"
#include "flexmig/trace/duration_text.h"

namespace flexmig::app {

namespace {

constexpr int64_t kMaxGanttGpus = 64;

// "0-7" or "3".
Status ParseGanttGpus(std::string_view text, report::RecorderOptions& options) {
  constexpr int64_t kMaxGpu = 99'999;
  const size_t dash = text.find('-');
  const auto first = ParseInt(text.substr(0, dash), 0, kMaxGpu);
  FLEXMIG_RETURN_IF_ERROR(first.status().WithContext("--gantt-gpus"));
  auto last = first;
  if (dash != std::string_view::npos) {
    last = ParseInt(text.substr(dash + 1), *first, std::min(kMaxGpu, *first + kMaxGanttGpus - 1));
    FLEXMIG_RETURN_IF_ERROR(last.status().WithContext("--gantt-gpus"));
  }
  options.gantt_first_gpu = static_cast<int>(*first);
  options.gantt_gpus = static_cast<int>(*last - *first + 1);
  return OkStatus();
}

Status WritePage(const std::filesystem::path& path, const report::ReportData& data) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string page, report::RenderHtml(data));
  return WriteWhole(path, page);
}

}  // namespace

Status WriteWhole(const std::filesystem::path& path, std::string_view text) {
  FLEXMIG_ASSIGN_OR_RETURN(auto file, report::AtomicFile::Create(path));
  FLEXMIG_RETURN_IF_ERROR(file.Write(text));
  return file.Commit();
}

Result<SimulationOutput> SimulationOutput::Create(const OutputArguments& arguments) {
  SimulationOutput output;
  output.folder_ = arguments.out;
  output.html_ = arguments.html;
  FLEXMIG_RETURN_IF_ERROR(ParseGanttGpus(arguments.gantt_gpus, output.options_));
  const auto from = trace::ParseDuration(arguments.gantt_from);
  FLEXMIG_RETURN_IF_ERROR(from.status().WithContext("--gantt-from"));
  output.options_.gantt_from = *from;
  if (!arguments.html.empty()) {
    FLEXMIG_RETURN_IF_ERROR(report::CheckCanRenderHtml().WithContext("--html"));
  }
  if (arguments.out.empty()) return output;
  std::error_code error;
  std::filesystem::create_directories(output.folder_, error);
  if (error) return ErrnoError(error.value(), StrCat("--out: ", arguments.out));
  FLEXMIG_ASSIGN_OR_RETURN(auto jobs, report::AtomicFile::Create(output.folder_ / "jobs.csv"));
  FLEXMIG_ASSIGN_OR_RETURN(auto timeseries,
                           report::AtomicFile::Create(output.folder_ / "timeseries.csv"));
  FLEXMIG_RETURN_IF_ERROR(jobs.Write(report::JobsCsvHeader()));
  FLEXMIG_RETURN_IF_ERROR(timeseries.Write(report::TimeseriesCsvHeader()));
  output.jobs_.emplace(std::move(jobs));
  output.timeseries_.emplace(std::move(timeseries));
  return output;
}

std::unique_ptr<report::RunRecorder> SimulationOutput::Record(const report::RunKey& key,
                                                              const sim::Workload& workload,
                                                              const sim::Scheme& scheme,
                                                              const mig::GpuModel& model) {
  return std::make_unique<report::RunRecorder>(key, workload, scheme, model, options_,
                                               jobs_ ? &*jobs_ : nullptr,
                                               timeseries_ ? &*timeseries_ : nullptr);
}

Result<std::string> SimulationOutput::Commit(const report::ReportData& data) {
  std::string note;
  if (!html_.empty()) FLEXMIG_RETURN_IF_ERROR(WritePage(html_, data));
  if (folder_.empty()) return note;
  const auto summary = folder_ / "summary.json";
  std::error_code error;
  std::filesystem::remove(summary, error);
  if (error) return ErrnoError(error.value(), summary.native());
  FLEXMIG_RETURN_IF_ERROR(jobs_->Commit());
  FLEXMIG_RETURN_IF_ERROR(timeseries_->Commit());
  if (report::CanRenderHtml()) {
    FLEXMIG_RETURN_IF_ERROR(WritePage(folder_ / "report.html", data));
  } else {
    note = StrCat("report.html is not written: ", report::CheckCanRenderHtml().message());
  }
  FLEXMIG_RETURN_IF_ERROR(WriteWhole(summary, report::RenderSummaryJson(data)));
  return note;
}

std::vector<std::string> CommandLine() {
  std::vector<std::string> words;
  const auto content = ReadFile("/proc/self/cmdline");
  if (!content.ok() || content->empty()) return words;
  // Every word ends in a zero byte.
  const std::string_view joined(content->data(), content->size() - 1);
  for (const std::string_view word : StrSplit(joined, '\0')) {
    words.emplace_back(word);
  }
  words[0] = std::filesystem::path(words[0]).filename().native();
  return words;
}

}  // namespace flexmig::app
