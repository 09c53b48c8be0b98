#include "flexmig/trace/trace_file.h"

#include <algorithm>
#include <utility>

namespace flexmig::trace {

namespace {

constexpr size_t kHeadBytes = 4096;

// Whether submit times are dates, of which only the differences mean anything here.
bool IsCalendar(TraceFormat format) {
  return format == TraceFormat::kPhilly || format == TraceFormat::kHelios ||
         format == TraceFormat::kAcme;
}

// Collects the rows of one file.
class Collector {
 public:
  explicit Collector(const ReadOptions& options) : options_(options) {}

  Status Add(Row row) {
    ++trace_.rows;
    if (auto* job = std::get_if<JobRecord>(&row)) {
      AddJob(std::move(*job));
      return OkStatus();
    }
    if (const auto* left_out = std::get_if<LeftOutRow>(&row)) {
      ++trace_.left_out[std::string(left_out->reason)];
      return OkStatus();
    }
    return AddBad(std::get<BadRow>(row).why);
  }

  Trace Finish(TraceFormat format) && {
    trace_.format = format;
    auto& jobs = trace_.jobs;
    std::stable_sort(jobs.begin(), jobs.end(), [](const JobRecord& a, const JobRecord& b) {
      return a.submit_time < b.submit_time;
    });
    if (IsCalendar(format) && !jobs.empty()) {
      const sched::Duration first = jobs.front().submit_time.time_since_epoch();
      for (JobRecord& job : jobs) job.submit_time -= first;
    }
    return std::move(trace_);
  }

 private:
  void AddJob(JobRecord job) {
    if (job.submit_time < latest_) ++trace_.moved;
    latest_ = std::max(latest_, job.submit_time);
    trace_.jobs.push_back(std::move(job));
  }

  Status AddBad(const Status& why) {
    if (!options_.skip_bad_rows) return why;
    ++trace_.bad_rows;
    if (trace_.bad_row_messages.size() < kMaxListedRows) {
      trace_.bad_row_messages.push_back(why.message());
    }
    return OkStatus();
  }

  const ReadOptions& options_;
  Trace trace_;
  sched::TimePoint latest_ = sched::TimePoint::min();
};

}  // namespace

Result<Trace> ReadTrace(std::unique_ptr<ByteSource> source, const std::string& name,
                        const ReadOptions& options) {
  TraceFormat format = options.format.value_or(TraceFormat::kCsv);
  if (!options.format) {
    FLEXMIG_ASSIGN_OR_RETURN(const std::string head, PeekBytes(source, kHeadBytes));
    FLEXMIG_ASSIGN_OR_RETURN(format, DetectTraceFormat(head, name));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const auto rows, OpenRows(format, std::move(source), name));
  Collector collector(options);
  while (true) {
    FLEXMIG_ASSIGN_OR_RETURN(auto row, rows->Next());
    if (!row) return std::move(collector).Finish(format);
    FLEXMIG_RETURN_IF_ERROR(collector.Add(*std::move(row)));
  }
}

Result<Trace> ReadTraceFile(const std::filesystem::path& path, const ReadOptions& options) {
  FLEXMIG_ASSIGN_OR_RETURN(auto file, OpenFile(path));
  FLEXMIG_ASSIGN_OR_RETURN(auto content, Decompressed(std::move(file), path.string()));
  return ReadTrace(std::move(content), path.string(), options);
}

Result<std::vector<JobRecord>> LoadTrace(const std::filesystem::path& path) {
  FLEXMIG_ASSIGN_OR_RETURN(Trace trace, ReadTraceFile(path, {}));
  return std::move(trace.jobs);
}

}  // namespace flexmig::trace
