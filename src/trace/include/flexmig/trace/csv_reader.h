#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "flexmig/base/status.h"
#include "flexmig/trace/byte_source.h"
#include "flexmig/trace/job_record.h"
#include "flexmig/trace/line_reader.h"

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

  // The next job, or nullopt at the end. Errors: kInvalidArgument for a malformed line, after which
  // the next call goes on with the line behind it; those of the source, after which it is spent.
  Result<std::optional<JobRecord>> Next();

  // kInvalidArgument at the line that was read last.
  [[nodiscard]] Status ErrorAt(size_t column, std::string_view expected) const {
    return lines_.ErrorAt(column, expected);
  }

 private:
  CsvReader(std::unique_ptr<ByteSource> source, std::string name)
      : lines_(std::move(source), std::move(name)) {}
  Result<JobRecord> ParseLine(std::string_view line);

  LineReader lines_;
  sched::TimePoint last_submit_;
  TraceJobId last_id_{-1};
};

}  // namespace flexmig::trace
