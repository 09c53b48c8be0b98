#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "flexmig/base/status.h"
#include "flexmig/trace/trace_file.h"

namespace flexmig::app {

// How a trace file is to be read, as written on the command line.
struct TraceFileFlags {
  std::string format;  // empty to detect it
  bool skip_bad_rows = false;
};

// Adds --trace-format and --skip-bad-rows.
void AddTraceFileFlags(CLI::App& command, TraceFileFlags& flags);

// Reads the file; skipped rows are listed on stderr. Errors: kNotFound for an unknown format, those
// of trace::ReadTraceFile.
Result<trace::Trace> ReadTraceFile(const std::string& path, const TraceFileFlags& flags);

// "asks for no GPU: 1088, was never scheduled: 861"; "none" if there
// are none.
std::string DescribeLeftOut(const trace::Trace& trace);

}  // namespace flexmig::app
