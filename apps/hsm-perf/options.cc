#include "options.h"

#include <limits>

#include <CLI/CLI.hpp>

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"
#include "flexmig/base/version.h"

namespace flexmig::perf {

namespace {

constexpr uint64_t kMaxSize = uint64_t{1} << 40;

// As written on the command line.
struct Texts {
  std::string ranks = "2";
  std::string min_bytes = "8";
  std::string max_bytes = "128M";
  std::string factor = "4";
  std::string warmup = "5";
  std::string iterations = "0";
  std::string time = "200ms";
  std::string op = "sum";
  std::string types = "float32";
  std::string root = "0";
  std::string check = "1";
  std::string collectives = "all_reduce";
  std::string place = "both";
  std::string peers;
  std::string passes = "1";
  std::string deadline = "0s";
  bool no_pin = false;
  bool limits = false;
};

template <typename T>
Result<T> Named(std::string_view flag, Result<T> value) {
  if (!value.ok()) return value.status().WithContext(flag);
  return value;
}

Result<int> ParseNumber(std::string_view flag, const std::string& text, int64_t min,
                        int64_t max = std::numeric_limits<int32_t>::max()) {
  FLEXMIG_ASSIGN_OR_RETURN(const int64_t number, Named(flag, ParseInt(text, min, max)));
  return static_cast<int>(number);
}

Status ReadSizes(const Texts& texts, GroupConfig& group) {
  FLEXMIG_ASSIGN_OR_RETURN(group.min_bytes, Named("--minbytes", ParseSize(texts.min_bytes)));
  FLEXMIG_ASSIGN_OR_RETURN(group.max_bytes, Named("--maxbytes", ParseSize(texts.max_bytes)));
  if (group.min_bytes > group.max_bytes) {
    return InvalidArgumentError(
        StrCat("--minbytes ", texts.min_bytes, " is above --maxbytes ", texts.max_bytes));
  }
  FLEXMIG_ASSIGN_OR_RETURN(const int factor, ParseNumber("--stepfactor", texts.factor, 2));
  group.factor = static_cast<uint64_t>(factor);
  return OkStatus();
}

Status ReadGroup(const Texts& texts, GroupConfig& group) {
  FLEXMIG_RETURN_IF_ERROR(ReadSizes(texts, group));
  FLEXMIG_ASSIGN_OR_RETURN(group.ranks, ParseNumber("--ranks", texts.ranks, 1, Board::kMaxRanks));
  FLEXMIG_ASSIGN_OR_RETURN(group.root, ParseNumber("--root", texts.root, 0, group.ranks - 1));
  FLEXMIG_ASSIGN_OR_RETURN(const int warmup, ParseNumber("--warmup", texts.warmup, 0, 1000000));
  FLEXMIG_ASSIGN_OR_RETURN(const int iterations, ParseNumber("--iters", texts.iterations, 0));
  group.warmup = static_cast<uint32_t>(warmup);
  group.iterations = static_cast<uint32_t>(iterations);
  FLEXMIG_ASSIGN_OR_RETURN(group.time, Named("--time", ParseDuration(texts.time)));
  if (group.time.count() <= 0) return InvalidArgumentError("--time has to be above 0ms");
  FLEXMIG_ASSIGN_OR_RETURN(group.op, Named("--op", ParseReduceOp(texts.op)));
  FLEXMIG_ASSIGN_OR_RETURN(const int check, ParseNumber("--check", texts.check, 0, 1));
  group.check = check == 1;
  group.pin = !texts.no_pin;
  if (texts.place != "both" && texts.place != "in" && texts.place != "out") {
    return InvalidArgumentError(StrCat("--place: '", texts.place, "' is not in, out or both"));
  }
  group.out_of_place = texts.place != "in";
  group.in_place = texts.place != "out";
  return OkStatus();
}

Status ReadLists(const Texts& texts, Options& options) {
  options.all_collectives = texts.collectives == "all";
  if (options.all_collectives) {
    options.collectives.assign(std::begin(kAllCollectives), std::end(kAllCollectives));
  } else {
    for (const std::string_view name : StrSplit(texts.collectives, ',')) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto collective, Named("--collective", ParseCollective(name)));
      options.collectives.push_back(collective);
    }
  }
  for (const std::string_view name : StrSplit(texts.types, ',')) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto type, Named("--datatype", ParseDataType(name)));
    options.types.push_back(type);
  }
  if (!texts.peers.empty()) {
    for (const std::string_view name : StrSplit(texts.peers, ',')) {
      options.peers.emplace_back(name);
    }
  }
  return OkStatus();
}

// What --tune measures where the command line does not say otherwise.
void SetTuningDefaults(const CLI::App& cli, Texts& texts) {
  const auto set = [&](const char* flag, std::string& text, const char* value) {
    if (cli.count(flag) == 0) text = value;
  };
  set("--collective", texts.collectives, "all");
  set("--minbytes", texts.min_bytes, "1K");
  set("--maxbytes", texts.max_bytes, "32M");
  set("--stepfactor", texts.factor, "2");
  set("--place", texts.place, "out");
  set("--passes", texts.passes, "3");
  set("--time", texts.time, "20ms");
}

// Flags that would have no effect are refused.
Status CheckTuning(const Texts& texts, const Options& options) {
  const GroupConfig& group = options.group;
  if (group.ranks < 2) return InvalidArgumentError("--tune needs two ranks or more");
  if (group.in_place && group.out_of_place) {
    return InvalidArgumentError("--tune measures one place: --place in or out");
  }
  if (options.types.size() > 1) return InvalidArgumentError("--tune measures one --datatype");
  if (group.registered || group.back_to_back || texts.limits || !options.peers.empty() ||
      !options.json_path.empty() || !options.report_path.empty()) {
    return InvalidArgumentError(
        "--tune goes with none of --registered, --back-to-back, --peers, --json, --limits and "
        "--report");
  }
  return OkStatus();
}

Result<Options> Read(const Texts& texts, Options options) {
  FLEXMIG_RETURN_IF_ERROR(ReadGroup(texts, options.group));
  FLEXMIG_RETURN_IF_ERROR(ReadLists(texts, options));
  if (options.group.fresh && options.group.back_to_back) {
    return InvalidArgumentError("--fresh writes between calls, so not with --back-to-back");
  }
  FLEXMIG_ASSIGN_OR_RETURN(options.passes, ParseNumber("--passes", texts.passes, 1, 1000));
  FLEXMIG_ASSIGN_OR_RETURN(options.deadline, Named("--deadline", ParseDuration(texts.deadline)));
  if (!options.tune_path.empty()) {
    FLEXMIG_RETURN_IF_ERROR(CheckTuning(texts, options));
    options.mode = Options::Mode::kTune;
  }
  if (!options.report_path.empty()) {
    if (options.goals_path.empty() || options.inputs.empty()) {
      return InvalidArgumentError("--report needs --goals FILE and at least one --input FILE");
    }
    options.mode = Options::Mode::kReport;
  } else if (!options.goals_path.empty() || !options.inputs.empty()) {
    return InvalidArgumentError("--goals and --input are for --report");
  } else if (texts.limits) {
    options.mode = Options::Mode::kLimits;
  }
  return options;
}

void AddFlags(CLI::App& cli, Texts& texts, Options& options) {
  const auto add = [&](const char* name, std::string& value, const char* help) {
    cli.add_option(name, value, help)->capture_default_str();
  };
  add("-n,--ranks", texts.ranks, "Processes, 1 to 64");
  add("--collective", texts.collectives, "What to measure: a list with commas, or all");
  add("-b,--minbytes", texts.min_bytes, "Smallest size, as 8, 64K, 128M");
  add("-e,--maxbytes", texts.max_bytes, "Largest size");
  add("-f,--stepfactor", texts.factor, "From one size to the next");
  add("-d,--datatype", texts.types, "Element types: a list with commas");
  add("-o,--op", texts.op, "Reduction: sum, prod, min, max, avg");
  add("-r,--root", texts.root, "Rank of the root");
  add("-w,--warmup", texts.warmup, "Calls before the timed ones, at most");
  add("-i,--iters", texts.iterations, "Timed calls; 0: as many as --time has room for");
  add("--time", texts.time, "Time for the timed calls of one size, as 50ms or 2s");
  add("-c,--check", texts.check, "1: check every element of results, 0: do not");
  add("--place", texts.place, "Buffers in place: in, out or both");
  cli.add_flag("--registered", options.group.registered,
               "Buffers in memory that all ranks map; beside ordinary ones with --peers");
  cli.add_flag("--back-to-back", options.group.back_to_back,
               "No barrier between calls; the time of a call is that of a run, divided");
  cli.add_flag("--fresh", options.group.fresh, "Each rank writes to its input before every call");
  cli.add_flag("--no-pin", texts.no_pin, "Do not bind ranks to CPUs");
  add("--peers", texts.peers, "Beside Flex-MIG, in turn: openmpi, mpich, gloo");
  add("--passes", texts.passes, "How often each library has its turn");
  add("--deadline", texts.deadline, "For one library, collective and type; 0s: by the sizes");
  cli.add_option("--json", options.json_path, "Write all results to this file");
  cli.add_option("--tune", options.tune_path,
                 "Find the best algorithm for every size and write a selection file instead");
  cli.add_flag("--limits", texts.limits, "Measure what the machine can do instead");
  cli.add_option("--report", options.report_path,
                 "Write a page of results, in Markdown, to this file instead of measuring");
  cli.add_option("--goals", options.goals_path, "The table of goals and gates for --report");
  cli.add_option("--input", options.inputs, "JSON files for --report");
}

}  // namespace

Result<uint64_t> ParseSize(std::string_view text) {
  const auto error = [&] {
    return InvalidArgumentError(
        StrCat("'", text, "' is not a size: expected bytes, as 8, 64K, 128M or 1G, up to 1024G"));
  };
  if (text.empty()) return error();
  int shift = 0;
  std::string_view digits = text;
  switch (text.back()) {
    case 'K': shift = 10; break;
    case 'M': shift = 20; break;
    case 'G': shift = 30; break;
    default: break;
  }
  if (shift > 0) digits.remove_suffix(1);
  const auto number = ParseInt(digits, 1, static_cast<int64_t>(kMaxSize >> shift));
  if (!number.ok()) return error();
  return static_cast<uint64_t>(*number) << shift;
}

std::string FormatSize(uint64_t bytes) {
  constexpr std::string_view kSuffixes = "KMG";
  std::string suffix;
  for (const char c : kSuffixes) {
    if (bytes == 0 || bytes % 1024 != 0) break;
    bytes /= 1024;
    suffix = c;
  }
  return StrCat(bytes, suffix);
}

Result<ParsedArguments> ParseArguments(int argc, const char* const* argv) {
  CLI::App cli("Measures collectives between processes of this host.", "hsm-perf");
  cli.set_version_flag("--version", StrCat("hsm-perf ", Version()));
  cli.footer(
      "Exit codes: 0 ok, 1 a wrong result or a rank that failed, 2 usage, 3 no memory,\n"
      "4 a peer that is not there, 5 out of time, 6 permission.");
  Texts texts;
  Options options;
  AddFlags(cli, texts, options);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return ParsedArguments{options, cli.help()};
  } catch (const CLI::CallForVersion&) {
    return ParsedArguments{options, StrCat(cli.version(), "\n")};
  } catch (const CLI::ParseError& error) {
    return InvalidArgumentError(error.what());
  }
  if (!options.tune_path.empty()) SetTuningDefaults(cli, texts);
  FLEXMIG_ASSIGN_OR_RETURN(options, Read(texts, std::move(options)));
  return ParsedArguments{std::move(options), ""};
}

}  // namespace flexmig::perf
