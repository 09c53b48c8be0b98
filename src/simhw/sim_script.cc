#include "flexmig/simhw/sim_script.h"

#include <algorithm>
#include <string>
#include <utility>

#include "flexmig/base/check.h"
#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"

namespace flexmig::simhw {
namespace {

struct NamedFault {
  std::string_view name;
  SimFault fault;
};
constexpr NamedFault kFaults[] = {
    {"busy", SimFault::kBusy},       {"in-use", SimFault::kInUse},
    {"lost", SimFault::kLost},       {"no-permission", SimFault::kNoPermission},
    {"no-room", SimFault::kNoRoom},  {"timeout", SimFault::kTimeout},
    {"pretend", SimFault::kPretend},
};

constexpr int kMaxGpuIndex = 31;
constexpr int kMaxGpuInstanceId = 14;
constexpr int kMaxXid = 999;
constexpr int64_t kMaxCount = 1'000'000;

struct Word {
  std::string_view text;
  size_t column = 0;  // 1-based, in bytes
};

std::vector<Word> SplitWords(std::string_view line) {
  line = line.substr(0, line.find('#'));
  constexpr std::string_view kSpace = " \t\r";
  std::vector<Word> words;
  size_t begin = 0;
  while ((begin = line.find_first_not_of(kSpace, begin)) != std::string_view::npos) {
    const size_t end = std::min(line.find_first_of(kSpace, begin), line.size());
    words.push_back({line.substr(begin, end - begin), begin + 1});
    begin = end;
  }
  return words;
}

// Reads the words of one line; every error names the place of the word it is about.
class LineReader {
 public:
  LineReader(std::string_view file, size_t line_number, std::string_view line)
      : file_(file), line_number_(line_number), words_(SplitWords(line)), end_(line.size() + 1) {}

  [[nodiscard]] bool AtEnd() const { return next_ == words_.size(); }

  // The next word; `what` names it if there is none.
  Result<std::string_view> Take(std::string_view what) {
    if (AtEnd()) return ErrorAt(end_, StrCat(what, " is missing"));
    return words_[next_++].text;
  }

  // About the word taken last.
  [[nodiscard]] Status Error(std::string_view problem) const {
    return ErrorAt(words_[next_ - 1].column, problem);
  }

  Result<int64_t> Int(std::string_view text, int64_t min, int64_t max) const {
    auto value = ParseInt(text, min, max);
    if (!value.ok()) return Error(value.status().message());
    return value;
  }

  Result<std::chrono::milliseconds> TakeDuration() {
    FLEXMIG_ASSIGN_OR_RETURN(const auto text, Take("a duration"));
    auto duration = ParseDuration(text);
    if (!duration.ok()) return Error(duration.status().message());
    return duration;
  }

 private:
  [[nodiscard]] Status ErrorAt(size_t column, std::string_view problem) const {
    return InvalidArgumentError(StrCat(file_, ":", line_number_, ":", column, ": ", problem));
  }

  const std::string_view file_;
  const size_t line_number_;
  const std::vector<Word> words_;
  const size_t end_;
  size_t next_ = 0;
};

// "create-gi"; or "any"; or "list", "create" or "destroy", which stand for all that begin so.
Result<std::vector<SimOperation>> TakeOperations(LineReader& line) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto text, line.Take("an operation"));
  std::vector<SimOperation> operations;
  std::vector<std::string> names;
  const bool is_group = text == "list" || text == "create" || text == "destroy";
  for (const SimOperation operation : kAllSimOperations) {
    const std::string_view name = SimOperationName(operation);
    names.emplace_back(name);
    if (text == "any" || text == name || (is_group && name.starts_with(text))) {
      operations.push_back(operation);
    }
  }
  if (operations.empty()) {
    return line.Error(StrCat("no operation '", text, "'; there are any, list, create, destroy, ",
                             StrJoin(names, ", ")));
  }
  return operations;
}

Result<std::optional<mig::GpuIndex>> TakeGpu(LineReader& line) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto text, line.Take("a GPU index or 'any'"));
  if (text == "any") return std::optional<mig::GpuIndex>();
  FLEXMIG_ASSIGN_OR_RETURN(const auto index, line.Int(text, 0, kMaxGpuIndex));
  return std::optional(mig::GpuIndex(static_cast<int>(index)));
}

Status TakeOptions(LineReader& line, SimRule& rule) {
  while (!line.AtEnd()) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto option, line.Take("an option"));
    const size_t equals = option.find('=');
    const std::string_view key = option.substr(0, equals);
    std::string_view value = equals == std::string_view::npos ? "" : option.substr(equals + 1);
    if (key == "skip") {
      FLEXMIG_ASSIGN_OR_RETURN(rule.skip, line.Int(value, 0, kMaxCount));
    } else if (key == "times") {
      FLEXMIG_ASSIGN_OR_RETURN(rule.times, line.Int(value, 1, kMaxCount));
    } else if (key == "chance") {
      if (!value.ends_with('%')) return line.Error("a chance ends in %, e.g. chance=5%");
      value.remove_suffix(1);
      FLEXMIG_ASSIGN_OR_RETURN(const auto percent, line.Int(value, 0, 100));
      rule.percent = static_cast<int>(percent);
    } else if (key == "gi" && rule.kind == SimRule::Kind::kXid) {
      FLEXMIG_ASSIGN_OR_RETURN(const auto id, line.Int(value, 0, kMaxGpuInstanceId));
      rule.xid.gpu_instance = mig::GpuInstanceId(static_cast<int>(id));
    } else {
      return line.Error(StrCat("no option '", key, "'; there are skip=<n>, times=<n>, chance=<n>%",
                               rule.kind == SimRule::Kind::kXid ? ", gi=<id>" : ""));
    }
  }
  return OkStatus();
}

Result<SimRule> TakeDelay(LineReader& line) {
  SimRule rule;
  rule.kind = SimRule::Kind::kDelay;
  FLEXMIG_ASSIGN_OR_RETURN(rule.operations, TakeOperations(line));
  FLEXMIG_ASSIGN_OR_RETURN(rule.gpu, TakeGpu(line));
  FLEXMIG_ASSIGN_OR_RETURN(rule.delay, line.TakeDuration());
  if (!line.AtEnd()) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto word, line.Take("'jitter'"));
    if (word != "jitter") return line.Error(StrCat("expected 'jitter', not '", word, "'"));
    FLEXMIG_ASSIGN_OR_RETURN(rule.jitter, line.TakeDuration());
  }
  if (!line.AtEnd()) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto word, line.Take("nothing"));
    return line.Error(StrCat("'", word, "' is one word too many"));
  }
  return rule;
}

Result<SimRule> TakeFail(LineReader& line) {
  SimRule rule;
  rule.kind = SimRule::Kind::kFail;
  FLEXMIG_ASSIGN_OR_RETURN(rule.operations, TakeOperations(line));
  FLEXMIG_ASSIGN_OR_RETURN(rule.gpu, TakeGpu(line));
  FLEXMIG_ASSIGN_OR_RETURN(const auto text, line.Take("a fault"));
  std::vector<std::string> names;
  for (const NamedFault& named : kFaults) {
    names.emplace_back(named.name);
    if (named.name == text) rule.fault = named.fault;
  }
  if (rule.fault == SimFault::kNone) {
    return line.Error(StrCat("no fault '", text, "'; there are ", StrJoin(names, ", ")));
  }
  FLEXMIG_RETURN_IF_ERROR(TakeOptions(line, rule));
  return rule;
}

Result<SimRule> TakeDie(LineReader& line) {
  SimRule rule;
  FLEXMIG_ASSIGN_OR_RETURN(const auto when, line.Take("'before' or 'after'"));
  if (when != "before" && when != "after") {
    return line.Error(StrCat("expected 'before' or 'after', not '", when, "'"));
  }
  rule.kind = when == "before" ? SimRule::Kind::kDieBefore : SimRule::Kind::kDieAfter;
  FLEXMIG_ASSIGN_OR_RETURN(rule.operations, TakeOperations(line));
  FLEXMIG_ASSIGN_OR_RETURN(rule.gpu, TakeGpu(line));
  FLEXMIG_RETURN_IF_ERROR(TakeOptions(line, rule));
  return rule;
}

Result<SimRule> TakeXid(LineReader& line) {
  SimRule rule;
  rule.kind = SimRule::Kind::kXid;
  FLEXMIG_ASSIGN_OR_RETURN(const auto text, line.Take("an Xid number"));
  FLEXMIG_ASSIGN_OR_RETURN(const auto number, line.Int(text, 1, kMaxXid));
  rule.xid.number = static_cast<int>(number);
  FLEXMIG_ASSIGN_OR_RETURN(rule.operations, TakeOperations(line));
  FLEXMIG_ASSIGN_OR_RETURN(rule.gpu, TakeGpu(line));
  FLEXMIG_RETURN_IF_ERROR(TakeOptions(line, rule));
  return rule;
}

}  // namespace

std::string_view SimOperationName(SimOperation operation) {
  switch (operation) {
    case SimOperation::kListGpus: return "list-gpus";
    case SimOperation::kQueryGpu: return "query";
    case SimOperation::kListGpuInstances: return "list-gi";
    case SimOperation::kListMigDevices: return "list-mig-devices";
    case SimOperation::kListProcesses: return "list-processes";
    case SimOperation::kSetMigMode: return "set-mig-mode";
    case SimOperation::kCreateGpuInstance: return "create-gi";
    case SimOperation::kCreateComputeInstance: return "create-ci";
    case SimOperation::kDestroyComputeInstance: return "destroy-ci";
    case SimOperation::kDestroyGpuInstance: return "destroy-gi";
  }
  FLEXMIG_CHECK(false && "a SimOperation outside its enumeration");
}

Result<SimScript> ParseSimScript(std::string_view text, std::string_view file) {
  SimScript script;
  bool has_seed = false;
  size_t line_number = 0;
  for (const std::string_view line_text : StrSplit(text, '\n')) {
    LineReader line(file, ++line_number, line_text);
    if (line.AtEnd()) continue;
    FLEXMIG_ASSIGN_OR_RETURN(const auto statement, line.Take("a statement"));
    if (statement == "delay") {
      FLEXMIG_ASSIGN_OR_RETURN(script.rules.emplace_back(), TakeDelay(line));
    } else if (statement == "fail") {
      FLEXMIG_ASSIGN_OR_RETURN(script.rules.emplace_back(), TakeFail(line));
    } else if (statement == "die") {
      FLEXMIG_ASSIGN_OR_RETURN(script.rules.emplace_back(), TakeDie(line));
    } else if (statement == "xid") {
      FLEXMIG_ASSIGN_OR_RETURN(script.rules.emplace_back(), TakeXid(line));
    } else if (statement == "seed") {
      if (std::exchange(has_seed, true)) return line.Error("a second seed");
      FLEXMIG_ASSIGN_OR_RETURN(const auto number, line.Take("a number"));
      FLEXMIG_ASSIGN_OR_RETURN(const auto seed, line.Int(number, 0, INT64_MAX));
      script.seed = static_cast<uint64_t>(seed);
      if (!line.AtEnd()) {
        FLEXMIG_ASSIGN_OR_RETURN(const auto word, line.Take("nothing"));
        return line.Error(StrCat("'", word, "' is one word too many"));
      }
    } else {
      return line.Error(
          StrCat("no statement '", statement, "'; there are seed, delay, fail, die and xid"));
    }
  }
  return script;
}

SimScriptPlayer::SimScriptPlayer(SimScript script)
    : script_(std::move(script)), matched_(script_.rules.size(), 0), generator_(script_.seed) {}

SimVerdict SimScriptPlayer::Next(SimOperation operation, std::optional<mig::GpuIndex> gpu) {
  SimVerdict verdict;
  for (size_t i = 0; i < script_.rules.size(); ++i) {
    const SimRule& rule = script_.rules[i];
    if (std::ranges::find(rule.operations, operation) == rule.operations.end()) continue;
    if (rule.gpu && rule.gpu != gpu) continue;
    const int64_t number = matched_[i]++;
    if (number < rule.skip) continue;
    if (rule.times >= 0 && number >= rule.skip + rule.times) continue;
    if (rule.percent < 100 && generator_.NextBelow(100) >= static_cast<uint64_t>(rule.percent)) {
      continue;
    }
    switch (rule.kind) {
      case SimRule::Kind::kDelay: {
        const auto extra = generator_.NextUnit() * static_cast<double>(rule.jitter.count());
        verdict.delay += rule.delay + std::chrono::milliseconds(static_cast<int64_t>(extra));
        break;
      }
      case SimRule::Kind::kFail:
        if (verdict.fault == SimFault::kNone) verdict.fault = rule.fault;
        break;
      case SimRule::Kind::kDieBefore: verdict.die_before = true; break;
      case SimRule::Kind::kDieAfter: verdict.die_after = true; break;
      case SimRule::Kind::kXid: verdict.xids.push_back(rule.xid); break;
    }
  }
  return verdict;
}

}  // namespace flexmig::simhw
