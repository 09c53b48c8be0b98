#include "trace_flags.h"

#include <cstdio>

#include "flexmig/base/strings.h"

namespace flexmig::app {

void AddTraceFileFlags(CLI::App& command, TraceFileFlags& flags) {
  std::vector<std::string> names;
  for (const trace::TraceFormat format : trace::kAllTraceFormats) {
    names.emplace_back(trace::TraceFormatName(format));
  }
  command.add_option(
      "--trace-format", flags.format,
      StrCat("Format of the trace: ", StrJoin(names, ", "), " [default: told by its beginning]"));
  command.add_flag("--skip-bad-rows", flags.skip_bad_rows,
                   "Count and list malformed rows instead of stopping at the first");
}

Result<trace::Trace> ReadTraceFile(const std::string& path, const TraceFileFlags& flags) {
  trace::ReadOptions options;
  options.skip_bad_rows = flags.skip_bad_rows;
  if (!flags.format.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(options.format, trace::ParseTraceFormat(flags.format));
  }
  FLEXMIG_ASSIGN_OR_RETURN(auto trace, trace::ReadTraceFile(path, options));
  for (const std::string& message : trace.bad_row_messages) {
    std::fprintf(stderr, "flexmig: skipped: %s\n", message.c_str());
  }
  if (trace.bad_rows > 0) {
    std::fprintf(stderr, "flexmig: %lld of %lld rows skipped%s\n",
                 static_cast<long long>(trace.bad_rows), static_cast<long long>(trace.rows),
                 trace.bad_rows > static_cast<int64_t>(trace.bad_row_messages.size())
                     ? ", the first 1000 are listed"
                     : "");
  }
  return trace;
}

std::string DescribeLeftOut(const trace::Trace& trace) {
  std::vector<std::string> parts;
  for (const auto& [reason, rows] : trace.left_out) parts.push_back(StrCat(reason, ": ", rows));
  return parts.empty() ? "none" : StrJoin(parts, ", ");
}

}  // namespace flexmig::app
