// Every reader of a foreign trace format: any bytes are a trace or an error, never a crash; what is
// read keeps the bounds of a record, and written as own CSV reads back as the same.
//
// The first byte chooses: bits 0 to 2 the format (7 for an openb node list), bit 3 whether bad rows
// are skipped, bit 4 whether the format is to be detected. The rest is the file, plain or gzip.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "flexmig/base/check.h"
#include "flexmig/trace/csv_writer.h"
#include "flexmig/trace/describe.h"
#include "flexmig/trace/openb.h"
#include "flexmig/trace/trace_file.h"

namespace {

namespace trace = flexmig::trace;
using flexmig::Result;
using flexmig::StatusCode;

Result<trace::Trace> Read(std::string bytes, const trace::ReadOptions& options) {
  FLEXMIG_ASSIGN_OR_RETURN(auto source,
                           trace::Decompressed(trace::FromMemory(std::move(bytes)), "f"));
  return trace::ReadTrace(std::move(source), "f", options);
}

void CheckTrace(const trace::Trace& read, const trace::ReadOptions& options) {
  int64_t left_out = 0;
  for (const auto& [reason, rows] : read.left_out) left_out += rows;
  FLEXMIG_CHECK(read.rows == static_cast<int64_t>(read.jobs.size()) + left_out + read.bad_rows);
  FLEXMIG_CHECK(read.bad_rows == 0 || options.skip_bad_rows);
  auto jobs = read.jobs;
  FLEXMIG_CHECK(std::is_sorted(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) {
    return a.submit_time < b.submit_time;
  }));
  std::sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) {
    return std::pair(a.submit_time, a.id) < std::pair(b.submit_time, b.id);
  });
  const auto text = trace::WriteCsv(jobs);
  FLEXMIG_CHECK(text.ok());
  const auto again = Read(*text, {trace::TraceFormat::kCsv, false});
  FLEXMIG_CHECK(again.ok());
  FLEXMIG_CHECK(again->jobs == jobs);
  FLEXMIG_CHECK(trace::Describe(read.jobs).ok() == !read.jobs.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  constexpr unsigned kNodeList = 7;
  if ((choice & 7) == kNodeList) {
    const auto nodes = trace::ReadOpenbNodes(trace::FromMemory(std::move(bytes)), "f");
    FLEXMIG_CHECK(nodes.ok() || nodes.status().code() == StatusCode::kInvalidArgument);
    return 0;
  }
  trace::ReadOptions options{trace::kAllTraceFormats[choice & 7], (choice & 8) != 0};
  if ((choice & 16) != 0) options.format.reset();
  const auto read = Read(std::move(bytes), options);
  if (read.ok()) {
    CheckTrace(*read, options);
  } else {
    FLEXMIG_CHECK(read.status().code() == StatusCode::kInvalidArgument ||
                  read.status().code() == StatusCode::kDataLoss);
  }
  return 0;
}
