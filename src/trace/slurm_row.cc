#include "slurm_row.h"

#include "flexmig/base/strings.h"

#include "calendar.h"

namespace flexmig::trace {

namespace {

constexpr int64_t kMillion = 1'000'000;

Result<Row> Parse(const DelimitedReader& reader, const SlurmFields& fields,
                  std::optional<sched::TimePoint> (*parse_time)(std::string_view),
                  std::string_view time_form) {
  constexpr std::string_view kGpus = "a whole number of GPUs from 0 to 1000000";
  JobRecord job;
  job.id = TraceJobId(reader.rows() - 1);
  // Tables that went through pandas write 8 as 8.0.
  FLEXMIG_ASSIGN_OR_RETURN(job.demand_micro_gpus,
                           reader.Millionths(fields.gpu_num, kMaxGpus, kGpus));
  if (job.demand_micro_gpus % kMillion != 0) return reader.Wrong(fields.gpu_num, kGpus);
  job.num_gpus = static_cast<int>(job.demand_micro_gpus / kMillion);
  FLEXMIG_ASSIGN_OR_RETURN(job.user, reader.Text(fields.user));
  FLEXMIG_ASSIGN_OR_RETURN(job.vc, reader.Text(fields.group));
  FLEXMIG_ASSIGN_OR_RETURN(job.status, reader.Text(fields.state));
  const auto submit = parse_time(fields.submit_time.text);
  if (!submit) return reader.Wrong(fields.submit_time, time_form);
  job.submit_time = *submit;
  if (job.num_gpus == 0) return Row(LeftOutRow{"asks for no GPU"});
  if (IsNoTime(fields.start_time.text)) return Row(LeftOutRow{"never ran"});
  if (IsNoTime(fields.end_time.text)) return Row(LeftOutRow{"has no end"});
  const auto start = parse_time(fields.start_time.text);
  const auto end = parse_time(fields.end_time.text);
  if (!start) return reader.Wrong(fields.start_time, time_form);
  if (!end) return reader.Wrong(fields.end_time, time_form);
  if (*start < *submit) return reader.Wrong(fields.start_time, "a start not before the submission");
  if (*end < *start) return reader.Wrong(fields.end_time, "an end not before the start");
  job.duration = *end - *start;
  return Row(std::move(job));
}

}  // namespace

Row ParseSlurmRow(const DelimitedReader& reader, const SlurmFields& fields,
                  std::optional<sched::TimePoint> (*parse_time)(std::string_view),
                  std::string_view time_form) {
  auto row = Parse(reader, fields, parse_time, time_form);
  if (row.ok()) return *std::move(row);
  return BadRow{row.status()};
}

}  // namespace flexmig::trace
