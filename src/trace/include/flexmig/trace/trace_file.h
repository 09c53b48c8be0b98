#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/trace/byte_source.h"
#include "flexmig/trace/job_record.h"
#include "flexmig/trace/row_reader.h"

namespace flexmig::trace {

// The formats that are read; docs/formats/traces.md says what becomes of their columns.
enum class TraceFormat { kCsv, kPhilly, kHelios, kOpenb, kPai, kAcme, kSwf };
inline constexpr TraceFormat kAllTraceFormats[] = {
    TraceFormat::kCsv, TraceFormat::kPhilly, TraceFormat::kHelios, TraceFormat::kOpenb,
    TraceFormat::kPai, TraceFormat::kAcme,   TraceFormat::kSwf};

// "csv", "philly", "helios", "openb", "pai", "acme", "swf".
std::string_view TraceFormatName(TraceFormat format);
// Errors: kNotFound, listing the names.
Result<TraceFormat> ParseTraceFormat(std::string_view name);

// The format of a file that begins with `head`, its first 4 KiB: an array is philly; a comment ";"
// or a line of 18 numbers is swf; else the first line is a header and the format is the one whose
// columns it has. Errors: kInvalidArgument if it is none or more than one, naming them.
Result<TraceFormat> DetectTraceFormat(std::string_view head, std::string_view name);

// Errors: kInvalidArgument for another header.
Result<std::unique_ptr<RowReader>> OpenRows(TraceFormat format, std::unique_ptr<ByteSource> source,
                                            std::string name);

struct ReadOptions {
  std::optional<TraceFormat> format;  // nullopt to detect it
  // Bad rows are counted and listed instead of ending the reading. Damaged gzip, another header and
  // a JSON array that is none still end it.
  bool skip_bad_rows = false;
};

// A trace as the simulator takes it.
struct Trace {
  TraceFormat format = TraceFormat::kCsv;
  // Sorted by submit time, equal ones in the order of the file; ids occur once. In calendar formats
  // (philly, helios, acme) the first job is submitted at 0, else times are those of the source.
  std::vector<JobRecord> jobs;
  int64_t rows = 0;                           // of the file: jobs, left out, bad
  int64_t moved = 0;                          // jobs that the file has behind a later one
  std::map<std::string, int64_t> left_out;    // reason -> rows
  int64_t bad_rows = 0;                       // 0 unless skip_bad_rows
  std::vector<std::string> bad_row_messages;  // the first kMaxListedRows of them
};
inline constexpr size_t kMaxListedRows = 1000;

// Errors: kInvalidArgument for a format that cannot be told, and unless they are to be skipped for
// the first bad row; those of `source`.
Result<Trace> ReadTrace(std::unique_ptr<ByteSource> source, const std::string& name,
                        const ReadOptions& options);

// The same for a file, plain or gzip. Errors: also those of OpenFile and Decompressed.
Result<Trace> ReadTraceFile(const std::filesystem::path& path, const ReadOptions& options);

// The jobs of a file in any format, strictly. Errors: as ReadTraceFile.
Result<std::vector<JobRecord>> LoadTrace(const std::filesystem::path& path);

}  // namespace flexmig::trace
