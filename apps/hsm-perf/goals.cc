#include "goals.h"

#include <limits>

#include "flexmig/base/strings.h"

#include "collective.h"
#include "options.h"
#include "statistics.h"

namespace flexmig::perf {

namespace {

constexpr uint64_t kNoEnd = std::numeric_limits<uint64_t>::max();
constexpr size_t kColumns = 9;

// Reads the fields of one line from left to right.
class Fields {
 public:
  Fields(std::string_view line, size_t number) : fields_(StrSplit(line, ',')), line_(number) {}

  [[nodiscard]] size_t size() const { return fields_.size(); }
  std::string_view Next() { return StripWhitespace(fields_[at_++]); }
  // "line:column: ...", of the field that Next gave last.
  [[nodiscard]] Status Error(const Status& what) const {
    size_t column = 1;
    for (size_t i = 0; i + 1 < at_; ++i) column += fields_[i].size() + 1;
    return what.WithContext(StrCat(line_, ":", column));
  }
  // One of two words, true for the second.
  Result<bool> Choice(std::string_view no, std::string_view yes) {
    const std::string_view word = Next();
    if (word == no || word == yes) return word == yes;
    return Error(InvalidArgumentError(StrCat("'", word, "' is neither ", no, " nor ", yes)));
  }
  Result<std::optional<double>> Factor() {
    const std::string_view word = Next();
    if (word == "-") return std::optional<double>();
    const auto factor = ParseDouble(word, 0.01, 1000);
    if (!factor.ok()) return Error(factor.status());
    return std::optional(*factor);
  }

 private:
  std::vector<std::string_view> fields_;
  size_t line_;
  size_t at_ = 0;
};

Result<Goal> ParseGoal(Fields& fields) {
  Goal goal;
  const auto ranks = ParseInt(fields.Next(), 1, 64);
  if (!ranks.ok()) return fields.Error(ranks.status());
  goal.ranks = static_cast<int>(*ranks);
  FLEXMIG_ASSIGN_OR_RETURN(goal.registered, fields.Choice("ordinary", "registered"));
  FLEXMIG_ASSIGN_OR_RETURN(goal.in_place, fields.Choice("out", "in"));
  FLEXMIG_ASSIGN_OR_RETURN(goal.back_to_back, fields.Choice("sync", "back_to_back"));
  const std::string_view from = fields.Next();
  if (from != "0") {  // a barrier's size
    const auto size = ParseSize(from);
    if (!size.ok()) return fields.Error(size.status());
    goal.min_bytes = *size;
  }
  const std::string_view to = fields.Next();
  if (to == "-") {
    goal.max_bytes = kNoEnd;
  } else if (to != "0") {
    const auto size = ParseSize(to);
    if (!size.ok()) return fields.Error(size.status());
    goal.max_bytes = *size;
  }
  const auto collective = ParseCollective(fields.Next());
  if (!collective.ok()) return fields.Error(collective.status());
  goal.collective = CollectiveName(*collective);
  FLEXMIG_ASSIGN_OR_RETURN(goal.goal, fields.Factor());
  FLEXMIG_ASSIGN_OR_RETURN(goal.gate, fields.Factor());
  return goal;
}

Verdict Compare(const std::optional<double>& measured, const std::optional<double>& wanted) {
  if (!measured || !wanted) return Verdict::kNotMeasured;
  return *measured >= *wanted ? Verdict::kPass : Verdict::kFallsShort;
}

}  // namespace

Result<std::vector<Goal>> ParseGoals(std::string_view text) {
  std::vector<Goal> goals;
  size_t number = 0;
  for (const std::string_view line : StrSplit(text, '\n')) {
    ++number;
    if (StripWhitespace(line).empty() || line.starts_with('#')) continue;
    Fields fields(line, number);
    if (fields.size() != kColumns) {
      return InvalidArgumentError(
          StrCat(number, ":1: ", fields.size(), " fields instead of ", kColumns));
    }
    FLEXMIG_ASSIGN_OR_RETURN(auto goal, ParseGoal(fields));
    goals.push_back(std::move(goal));
  }
  return goals;
}

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNotMeasured: return "-";
    case Verdict::kPass: return "pass";
    case Verdict::kFallsShort: return "falls short";
  }
  return "invalid";
}

Outcome Judge(const Goal& goal, const std::string& type, const Results& results) {
  const SeriesKey key{goal.ranks, goal.collective, type, goal.in_place, goal.back_to_back};
  const std::string ours = goal.registered ? Results::kRegistered : Results::kOurs;
  std::vector<double> against_best;
  std::vector<double> against_mpi;
  for (const uint64_t bytes : results.SizesOf(key)) {
    const auto our = results.Find(key, ours, bytes);
    if (bytes < goal.min_bytes || bytes > goal.max_bytes || !our || our->best_us <= 0) continue;
    if (const auto peer_us = results.BestPeerUs(key, bytes, results.peers())) {
      against_best.push_back(*peer_us / our->best_us);
    }
    if (const auto peer_us = results.BestPeerUs(key, bytes, {"openmpi", "mpich"})) {
      against_mpi.push_back(*peer_us / our->best_us);
    }
  }
  Outcome outcome;
  outcome.sizes = against_best.size();
  if (!against_best.empty()) outcome.against_best = GeometricMean(against_best);
  if (!against_mpi.empty()) outcome.against_mpi = GeometricMean(against_mpi);
  outcome.goal = Compare(outcome.against_best, goal.goal);
  outcome.gate = Compare(outcome.against_mpi, goal.gate);
  return outcome;
}

std::string ClassName(const Goal& goal) {
  if (goal.max_bytes == 0) return "";
  if (goal.max_bytes == kNoEnd) return StrCat("from ", FormatSize(goal.min_bytes));
  return StrCat(FormatSize(goal.min_bytes), " to ", FormatSize(goal.max_bytes));
}

}  // namespace flexmig::perf
