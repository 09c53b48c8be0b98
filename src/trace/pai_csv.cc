#include <array>
#include <utility>

#include "flexmig/base/strings.h"

#include "calendar.h"
#include "delimited.h"
#include "readers.h"

namespace flexmig::trace {

namespace {

constexpr int64_t kMillion = 1'000'000;

// A pai_task_table.
constexpr std::array<std::string_view, 6> kTaskColumns = {"inst_num", "status",   "start_time",
                                                          "end_time", "plan_gpu", "gpu_type"};

Result<Row> ParseTask(const DelimitedReader& reader, std::span<const Field> f) {
  constexpr std::string_view kInstances = "a whole number of instances from 0 to 1000000";
  const Field& plan = f[4];
  const Field& end = f[3];
  JobRecord job;
  job.id = TraceJobId(reader.rows() - 1);
  FLEXMIG_ASSIGN_OR_RETURN(job.status, reader.Text(f[1]));
  FLEXMIG_ASSIGN_OR_RETURN(job.vc, reader.Text(f[5]));
  if (plan.text.empty()) return Row(LeftOutRow{"asks for no GPU"});
  // Numbers of this table are written as 50.0.
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t instances, reader.Millionths(f[0], kMaxGpus, kInstances));
  if (instances % kMillion != 0) return reader.Wrong(f[0], kInstances);
  FLEXMIG_ASSIGN_OR_RETURN(
      const int64_t percent,
      reader.Millionths(plan, kMaxGpus, "GPUs of an instance in per cent: 0 to 1000000"));
  if (instances == 0 || percent == 0) return Row(LeftOutRow{"asks for no GPU"});
  if (IsNoTime(f[2].text)) return Row(LeftOutRow{"never ran"});
  if (IsNoTime(end.text)) return Row(LeftOutRow{"has no end"});
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t start_micros, reader.Seconds(f[2]));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t end_micros, reader.Seconds(end));
  if (end_micros < start_micros) return reader.Wrong(end, "an end not before the start");
  job.submit_time = sched::TimePoint(sched::Duration(start_micros));
  job.duration = sched::Duration(end_micros - start_micros);
  const int64_t count = instances / kMillion;
  const int64_t gpus_each = (percent + 100 * kMillion - 1) / (100 * kMillion);
  if (count * gpus_each > kMaxGpus) return reader.Wrong(f[0], "at most 1000000 GPUs in all");
  job.num_gpus = static_cast<int>(count * gpus_each);
  job.demand_micro_gpus = (count * percent + 50) / 100;
  if (job.demand_micro_gpus == 0) return reader.Wrong(plan, "at least a millionth of a GPU");
  return Row(std::move(job));
}

// The sample that comes with Alibaba's simulator.
constexpr std::array<std::string_view, 4> kSampleColumns = {"user", "num_gpu", "duration",
                                                            "submit_time"};

Result<Row> ParseSample(const DelimitedReader& reader, std::span<const Field> f) {
  JobRecord job;
  job.id = TraceJobId(reader.rows() - 1);
  FLEXMIG_ASSIGN_OR_RETURN(job.user, reader.Text(f[0]));
  if (f[1].text.empty()) return Row(LeftOutRow{"asks for no GPU"});
  FLEXMIG_ASSIGN_OR_RETURN(job.demand_micro_gpus,
                           reader.Millionths(f[1], kMaxGpus, "GPUs: a number from 0 to 1000000"));
  if (job.demand_micro_gpus == 0) return Row(LeftOutRow{"asks for no GPU"});
  job.num_gpus = static_cast<int>((job.demand_micro_gpus + kMillion - 1) / kMillion);
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t duration, reader.Seconds(f[2]));
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t submit, reader.Seconds(f[3]));
  job.duration = sched::Duration(duration);
  job.submit_time = sched::TimePoint(sched::Duration(submit));
  if (f.size() > kSampleColumns.size()) {
    FLEXMIG_ASSIGN_OR_RETURN(job.vc, reader.Text(f[4]));
  }
  return Row(std::move(job));
}

class PaiRows final : public RowReader {
 public:
  using Parse = Result<Row> (*)(const DelimitedReader&, std::span<const Field>);
  PaiRows(DelimitedReader rows, Parse parse) : rows_(std::move(rows)), parse_(parse) {}

  Result<std::optional<Row>> Next() override {
    const auto fields = rows_.Next();
    if (!fields.ok()) return BadOrFatal(fields.status());
    if (!*fields) return std::optional<Row>();
    auto row = parse_(rows_, **fields);
    if (!row.ok()) return std::optional<Row>(BadRow{row.status()});
    return std::optional<Row>(*std::move(row));
  }

 private:
  DelimitedReader rows_;
  Parse parse_;
};

}  // namespace

Result<std::unique_ptr<RowReader>> OpenPaiCsv(std::unique_ptr<ByteSource> source,
                                              const std::string& name) {
  FLEXMIG_ASSIGN_OR_RETURN(auto rows, DelimitedReader::Create(std::move(source), name));
  PaiRows::Parse parse = nullptr;
  if (rows.HasColumn("plan_gpu")) {
    FLEXMIG_RETURN_IF_ERROR(rows.Select(kTaskColumns));
    parse = ParseTask;
  } else if (rows.HasColumn("num_gpu")) {
    std::vector<std::string_view> columns(kSampleColumns.begin(), kSampleColumns.end());
    if (rows.HasColumn("gpu_type")) columns.emplace_back("gpu_type");
    FLEXMIG_RETURN_IF_ERROR(rows.Select(columns));
    parse = ParseSample;
  } else {
    return InvalidArgumentError(
        StrCat(name,
               ":1:1: expected the header of pai_task_table (its .header file goes in front "
               "of the table) or of the simulator's sample; a pai_job_table does not say "
               "how many GPUs a job has"));
  }
  return std::unique_ptr<RowReader>(std::make_unique<PaiRows>(std::move(rows), parse));
}

}  // namespace flexmig::trace
