#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"

#include "board.h"

namespace flexmig::perf {

// "8", "64K", "128M", "1G": bytes, in nccl-tests' way with binary suffixes.
// Errors: kInvalidArgument, quoting `text`, for anything else, 0, and above 2^40.
Result<uint64_t> ParseSize(std::string_view text);

// "8", "64K": the shortest text that ParseSize reads as `bytes`.
[[nodiscard]] std::string FormatSize(uint64_t bytes);

// What the command line asks for.
struct Options {
  enum class Mode : uint8_t { kMeasure, kLimits, kReport, kTune };

  Mode mode = Mode::kMeasure;
  // collective and type are to be replaced by each of the two lists.
  GroupConfig group;
  std::vector<Collective> collectives;
  bool all_collectives = false;  // those that the library lacks are left out
  std::vector<reduce::DataType> types;
  std::vector<std::string> peers;
  int passes = 1;
  std::chrono::milliseconds deadline{0};  // of one group; 0: by the sizes
  std::string json_path;
  std::string tune_path;
  // Of the report.
  std::string report_path;
  std::string goals_path;
  std::vector<std::string> inputs;
};

// What main does with a command line.
struct ParsedArguments {
  Options options;
  // Set if there is nothing to do but to print this, e.g. the help text, and to exit with 0.
  std::string text;
};

// Errors: kInvalidArgument, naming the flag.
Result<ParsedArguments> ParseArguments(int argc, const char* const* argv);

}  // namespace flexmig::perf
