#include "flexmig/trace/csv_reader.h"

#include <cstring>
#include <limits>
#include <unordered_set>
#include <utility>

#include "flexmig/base/strings.h"
#include "flexmig/trace/csv_writer.h"

#include "decimal.h"

namespace flexmig::trace {

namespace {

constexpr size_t kColumns = 9;
constexpr size_t kReadBytes = size_t{1} << 16;
// A line that is longer is not a job but some other file.
constexpr size_t kMaxLineBytes = 4096;

// As it can stand in a message: short, and without what would upset a terminal.
std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 40;
  std::string shown(text.substr(0, kShown));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return StrCat("'", shown, text.size() > kShown ? "'..." : "'");
}

struct Field {
  std::string_view text;
  size_t column = 0;  // from 1
};

}  // namespace

CsvReader::CsvReader(std::unique_ptr<ByteSource> source, std::string name)
    : source_(std::move(source)), name_(std::move(name)), buffer_(kReadBytes) {}

Result<CsvReader> CsvReader::Create(std::unique_ptr<ByteSource> source, std::string name) {
  CsvReader reader(std::move(source), std::move(name));
  FLEXMIG_ASSIGN_OR_RETURN(const auto header, reader.NextLine());
  if (header != kCsvHeader) {
    reader.line_number_ = 1;
    return reader.ErrorAt(1, StrCat("the header line '", kCsvHeader, "', found ",
                                    header ? Quoted(*header) : "an empty file"));
  }
  return reader;
}

Result<std::optional<JobRecord>> CsvReader::Next() {
  if (!failure_.ok()) return failure_;
  auto line = NextLine();
  if (!line.ok()) return failure_ = line.status();
  if (!*line) return std::optional<JobRecord>();
  auto record = ParseLine(**line);
  if (!record.ok()) return failure_ = record.status();
  return std::optional<JobRecord>(*std::move(record));
}

Result<std::optional<std::string_view>> CsvReader::NextLine() {
  size_t searched = 0;
  while (true) {
    const char* from = buffer_.data() + begin_;
    const size_t held = end_ - begin_;
    const void* newline = std::memchr(from + searched, '\n', held - searched);
    if (newline != nullptr) {
      const auto length = static_cast<size_t>(static_cast<const char*>(newline) - from);
      begin_ += length + 1;
      ++line_number_;
      if (length > kMaxLineBytes) return LineTooLong();
      return std::optional<std::string_view>(std::string_view(from, length));
    }
    searched = held;
    if (held > kMaxLineBytes) {
      ++line_number_;
      return LineTooLong();
    }
    std::memmove(buffer_.data(), from, held);
    begin_ = 0;
    end_ = held;
    FLEXMIG_ASSIGN_OR_RETURN(const size_t n,
                             source_->Read(buffer_.data() + end_, buffer_.size() - end_));
    end_ += n;
    if (n > 0) continue;
    if (held == 0) return std::optional<std::string_view>();
    ++line_number_;
    return ErrorAt(held + 1, "a newline at the end of the last line; the file may be cut short");
  }
}

Result<JobRecord> CsvReader::ParseLine(std::string_view line) {
  std::array<Field, kColumns> fields;
  size_t count = 0;
  size_t start = 0;
  for (size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] != ',') continue;
    if (count == kColumns) {
      return ErrorAt(start, StrCat("the end of the line after ", kColumns, " columns"));
    }
    fields[count++] = {line.substr(start, i - start), start + 1};
    start = i + 1;
  }
  if (count < kColumns) {
    return ErrorAt(line.size() + 1,
                   StrCat(kColumns, " columns separated by commas, found ", count));
  }
  const auto& [id, submit, duration, demand, gpus, memory, user, vc, status] = fields;
  const auto wrong = [this](const Field& field, std::string_view expected) {
    return ErrorAt(field.column, StrCat(expected, ", found ", Quoted(field.text)));
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

Status CsvReader::ErrorAt(size_t column, std::string_view expected) const {
  return InvalidArgumentError(
      StrCat(name_, ":", line_number_, ":", column, ": expected ", expected));
}

Status CsvReader::LineTooLong() const {
  return ErrorAt(kMaxLineBytes + 1, StrCat("a line of at most ", kMaxLineBytes, " bytes"));
}

Result<std::vector<JobRecord>> LoadTrace(const std::filesystem::path& path) {
  FLEXMIG_ASSIGN_OR_RETURN(auto file, OpenFile(path));
  FLEXMIG_ASSIGN_OR_RETURN(auto content, Decompressed(std::move(file), path.string()));
  FLEXMIG_ASSIGN_OR_RETURN(auto reader, CsvReader::Create(std::move(content), path.string()));
  std::vector<JobRecord> records;
  std::unordered_set<TraceJobId> seen;
  while (true) {
    FLEXMIG_ASSIGN_OR_RETURN(auto record, reader.Next());
    if (!record) return records;
    if (!seen.insert(record->id).second) {
      return InvalidArgumentError(StrCat(path.string(), ":", records.size() + 2,
                                         ":1: expected a job id that occurs once, found '",
                                         record->id.value(), "' again"));
    }
    records.push_back(*std::move(record));
  }
}

}  // namespace flexmig::trace
