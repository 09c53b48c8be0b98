#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/trace/byte_source.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::trace {

// Reads the project's own trace format (docs/formats/trace_csv.md) one job at a time.
//
// Strict: the header line as it stands there, nine columns in every line, a newline at the end of
// the last one, records sorted by submit time and then job id. Messages are
// "name:line:column: what was expected", both counted from 1, columns in bytes.
//
// Memory: one buffer of 64 KiB, whatever the length of the trace. Threading: one owner.
class CsvReader {
 public:
  // Reads the header. `name` stands in messages. Errors: kInvalidArgument for another header,
  // those of `source`.
  static Result<CsvReader> Create(std::unique_ptr<ByteSource> source, std::string name);

  // The next job, or nullopt at the end. Errors: kInvalidArgument for a malformed line, those of
  // the source. After an error every call returns it again.
  Result<std::optional<JobRecord>> Next();

 private:
  CsvReader(std::unique_ptr<ByteSource> source, std::string name);

  // The next line without its newline, valid until the next call; nullopt at the end.
  Result<std::optional<std::string_view>> NextLine();
  Result<JobRecord> ParseLine(std::string_view line);
  [[nodiscard]] Status ErrorAt(size_t column, std::string_view expected) const;
  [[nodiscard]] Status LineTooLong() const;

  std::unique_ptr<ByteSource> source_;
  std::string name_;
  std::vector<char> buffer_;  // [begin_, end_) is read but not yet given out
  size_t begin_ = 0;
  size_t end_ = 0;
  int64_t line_number_ = 0;
  sched::TimePoint last_submit_;
  TraceJobId last_id_{-1};
  Status failure_;
};

// All jobs of a file, plain or gzip. Errors: those of OpenFile, Decompressed and CsvReader, and
// kInvalidArgument for a job id that occurs twice.
Result<std::vector<JobRecord>> LoadTrace(const std::filesystem::path& path);

}  // namespace flexmig::trace
