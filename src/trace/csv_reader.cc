#include "flexmig/trace/csv_reader.h"

#include <array>
#include <limits>
#include <utility>

#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_writer.h"

#include "decimal.h"
#include "delimited.h"

namespace flexmig::trace {

namespace {

constexpr size_t kColumns = 9;

}  // namespace

Result<CsvReader> CsvReader::Create(std::unique_ptr<ByteSource> source, std::string name) {
  CsvReader reader(std::move(source), std::move(name));
  FLEXMIG_ASSIGN_OR_RETURN(const auto header, reader.lines_.Next());
  if (header != kCsvHeader) {
    return reader.lines_.ErrorAt(1, StrCat("the header line '", kCsvHeader, "', found ",
                                           header ? QuotedForMessage(*header) : "an empty file"));
  }
  return reader;
}

Result<std::optional<JobRecord>> CsvReader::Next() {
  FLEXMIG_ASSIGN_OR_RETURN(const auto line, lines_.Next());
  if (!line) return std::optional<JobRecord>();
  FLEXMIG_ASSIGN_OR_RETURN(auto record, ParseLine(*line));
  return std::optional<JobRecord>(std::move(record));
}

Result<JobRecord> CsvReader::ParseLine(std::string_view line) {
  std::array<Field, kColumns> fields;
  size_t count = 0;
  size_t start = 0;
  for (size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] != ',') continue;
    if (count == kColumns) {
      return lines_.ErrorAt(start, StrCat("the end of the line after ", kColumns, " columns"));
    }
    fields[count++] = {line.substr(start, i - start), start + 1};
    start = i + 1;
  }
  if (count < kColumns) {
    return lines_.ErrorAt(line.size() + 1,
                          StrCat(kColumns, " columns separated by commas, found ", count));
  }
  const auto& [id, submit, duration, demand, gpus, memory, user, vc, status] = fields;
  const auto wrong = [this](const Field& field, std::string_view expected) {
    return lines_.ErrorAt(field.column, StrCat(expected, ", found ", QuotedForMessage(field.text)));
  };
  const auto seconds = [](const Field& field) { return ParseMillionths(field.text, kMaxSeconds); };

  JobRecord record;
  const auto number = ParseInt(id.text, 0, std::numeric_limits<int64_t>::max());
  if (!number.ok()) return wrong(id, "a job id: a whole number from 0");
  record.id = TraceJobId(*number);
  constexpr std::string_view kSeconds =
      "seconds: a number from 0 to 1000000000 with at most 6 decimals";
  const auto submit_micros = seconds(submit);
  if (!submit_micros) return wrong(submit, kSeconds);
  record.submit_time = sched::TimePoint(sched::Duration(*submit_micros));
  const auto duration_micros = seconds(duration);
  if (!duration_micros) return wrong(duration, kSeconds);
  record.duration = sched::Duration(*duration_micros);
  const auto micro_gpus = ParseMillionths(demand.text, kMaxGpus);
  if (!micro_gpus || *micro_gpus == 0) {
    return wrong(demand, "GPUs: a number above 0, at most 1000000, with at most 6 decimals");
  }
  record.demand_micro_gpus = *micro_gpus;
  const auto whole_gpus = ParseInt(gpus.text, 1, kMaxGpus);
  if (!whole_gpus.ok()) return wrong(gpus, "a whole number of GPUs from 1 to 1000000");
  record.num_gpus = static_cast<int>(*whole_gpus);
  if (record.num_gpus * int64_t{1'000'000} < record.demand_micro_gpus) {
    return wrong(gpus, StrCat("at least the ", demand.text, " GPUs of the column before"));
  }
  if (!memory.text.empty()) {
    const auto micro_gib = ParseMillionths(memory.text, kMaxMemoryGib);
    if (!micro_gib) {
      return wrong(memory, "nothing or GiB: a number up to 1000000 with at most 6 decimals");
    }
    // A millionth of a GiB is 1074 bytes, so rounding to bytes loses nothing that was written.
    const int64_t whole = *micro_gib / 1'000'000;
    const int64_t rest = *micro_gib % 1'000'000;
    record.memory = Bytes::GiB(whole) + Bytes::Of(((rest << 30) + 500'000) / 1'000'000);
  }
  for (const Field* field : {&user, &vc, &status}) {
    if (!IsCsvText(field->text)) {
      return wrong(*field, "text without quotes and control characters");
    }
  }
  record.user = user.text;
  record.vc = vc.text;
  record.status = status.text;

  if (record.submit_time < last_submit_) {
    return wrong(submit, "a submit time not before the line above (a trace is sorted)");
  }
  if (record.submit_time == last_submit_ && record.id <= last_id_) {
    return wrong(id, "a job id above the line above, which has the same submit time");
  }
  last_submit_ = record.submit_time;
  last_id_ = record.id;
  return record;
}

}  // namespace flexmig::trace
