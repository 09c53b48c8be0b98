#include "report.h"

#include <fmt/format.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "goals.h"
#include "options.h"
#include "results.h"
#include "yardsticks.h"

namespace flexmig::perf {

namespace {

// "| a | b |\n"
std::string Row(const std::vector<std::string>& cells) {
  return "| " + StrJoin(cells, " | ") + " |\n";
}

std::string Header(const std::vector<std::string>& cells) {
  return Row(cells) + Row(std::vector<std::string>(cells.size(), "---"));
}

// Three digits that matter.
std::string Microseconds(double us) {
  return us < 10    ? fmt::format("{:.2f}", us)
         : us < 100 ? fmt::format("{:.1f}", us)
                    : fmt::format("{:.0f}", us);
}

std::string Factor(const std::optional<double>& factor) {
  return factor ? fmt::format("{:.2f}", *factor) : "-";
}

std::string HeadText(const Results& results) {
  const nlohmann::json& machine = results.machine();
  const auto text = [&](const char* field) { return machine.value(field, "unknown"); };
  std::string page = "# Collectives, measured\n\n";
  page += fmt::format(
      "Written by `hsm-perf --report`; bench/collectives/run.sh runs all of it again.\n"
      "What is timed and how: [hsm-perf](../reference/hsm-perf.md).\n\n"
      "- {}, {} CPUs; {}; {}; Flex-MIG {}\n- {}\n",
      text("cpu"), machine.value("cpus", 0), text("kernel"), text("compiler"), text("flexmig"),
      text("date"));
  for (const std::string& version : results.versions()) page += fmt::format("- {}\n", version);
  if (results.wrong() > 0) {
    page += fmt::format("\n**{} elements of results were wrong.**\n", results.wrong());
  } else {
    page += "\nEvery element of the results that were checked was right.\n";
  }
  return page;
}

std::string LimitsSection(const Results& results) {
  std::string page = "\n## The machine's limits, and the distance to them\n\n";
  if (!results.limits()) return page + "Not measured.\n";
  page += "```\n" + LimitsText(*results.limits()) + "```\n\n";
  page += Header({"what; its limit", "measured", "limit", "measured / limit", "wanted", ""});
  for (const Yardstick& yardstick : HoldAgainstLimits(results)) {
    page += Row({yardstick.what, yardstick.measured, yardstick.limit, yardstick.distance,
                 yardstick.wanted, std::string(VerdictName(yardstick.verdict))});
  }
  return page;
}

std::string GoalsSection(const std::vector<Goal>& goals, const Results& results) {
  std::string page =
      "\n## Goals and gates\n\n"
      "Ratios of times, peer / ours, as geometric means over the sizes of a class; above 1, ours "
      "is\n"
      "faster. A goal is held against the best peer measured here, a gate against the better of\n"
      "Debian's Open MPI and MPICH. They were set for float32 (bench/collectives/goals.csv tells\n"
      "how); bfloat16 is beside them.\n\n";
  page += Header({"ranks", "buffers", "mode", "class", "collective", "sizes", "best peer / ours",
                  "goal", "", "MPI / ours", "gate", "", "bfloat16: best peer / ours"});
  size_t passed = 0;
  size_t judged = 0;
  for (const Goal& goal : goals) {
    const Outcome outcome = Judge(goal, "float32", results);
    const Outcome half = Judge(goal, "bfloat16", results);
    for (const Verdict verdict : {outcome.goal, outcome.gate}) {
      if (verdict != Verdict::kNotMeasured) ++judged;
      if (verdict == Verdict::kPass) ++passed;
    }
    page +=
        Row({StrCat(goal.ranks),
             StrCat(goal.registered ? "registered" : "ordinary", goal.in_place ? ", in place" : ""),
             goal.back_to_back ? "back to back" : "sync", ClassName(goal), goal.collective,
             StrCat(outcome.sizes), Factor(outcome.against_best), Factor(goal.goal),
             std::string(VerdictName(outcome.goal)), Factor(outcome.against_mpi), Factor(goal.gate),
             std::string(VerdictName(outcome.gate)), Factor(half.against_best)});
  }
  return page +
         fmt::format("\n{} of the {} goals and gates that were measured pass.\n", passed, judged);
}

std::string SeriesSection(const SeriesKey& key, const Results& results) {
  std::string page = fmt::format("\n### {}, {}, {} ranks{}{}\n\n", key.collective, key.type,
                                 key.ranks, key.in_place ? ", in place" : "",
                                 key.back_to_back ? ", back to back"
                                 : key.fresh      ? ", sync, fresh data"
                                                  : "");
  const std::vector<std::string> peers = results.peers();
  std::vector<std::string> header = {"size (B)", "ours", "spread", "GB/s", "registered"};
  header.insert(header.end(), peers.begin(), peers.end());
  header.insert(header.end(), {"best peer / ours", "best peer / registered"});
  page += Header(header);
  for (const uint64_t bytes : results.SizesOf(key)) {
    const auto ours = results.Find(key, Results::kOurs, bytes);
    const auto registered = results.Find(key, Results::kRegistered, bytes);
    const auto best_peer_us = results.BestPeerUs(key, bytes, peers);
    const auto time = [](const std::optional<Best>& best) {
      return best ? Microseconds(best->best_us) : "-";
    };
    const auto ratio = [&](const std::optional<Best>& best) -> std::string {
      if (!best || !best_peer_us || best->best_us <= 0) return "-";
      return fmt::format("{:.2f}", *best_peer_us / best->best_us);
    };
    std::vector<std::string> row = {
        FormatSize(bytes), time(ours),
        ours ? StrCat(Microseconds(ours->best_us), "..", Microseconds(ours->worst_us)) : "-",
        ours ? fmt::format("{:.2f}", AlgorithmBandwidth(bytes, ours->best_us)) : "-",
        time(registered)};
    for (const std::string& peer : peers) row.push_back(time(results.Find(key, peer, bytes)));
    row.push_back(ratio(ours));
    row.push_back(ratio(registered));
    page += Row(row);
  }
  return page;
}

// What --fresh has measured; nothing if it was not.
std::string FreshSection(const Results& results) {
  std::string tables;
  for (const SeriesKey& key : results.keys()) {
    if (key.fresh) tables += SeriesSection(key, results);
  }
  if (tables.empty()) return "";
  return "\n## Fresh data\n\n"
         "The same, but every rank writes to its input before each call (`--fresh`): data come "
         "from "
         "the\n"
         "owner's cache, and not from copies that the readers keep from the call before. There are "
         "no\n"
         "goals for these.\n" +
         tables;
}

std::string FailuresSection(const Results& results) {
  if (results.failures().empty()) return "";
  std::string page = "\n## Not measured\n\n";
  for (const std::string& failure : results.failures()) page += fmt::format("- {}\n", failure);
  return page;
}

}  // namespace

std::string ReportText(const Results& results, const std::vector<Goal>& goals) {
  std::string page = HeadText(results) + LimitsSection(results) + GoalsSection(goals, results);
  page +=
      "\n## All sizes\n\n"
      "Times in microseconds: the median of each pass, and of the passes the shortest; the spread "
      "is\n"
      "from the shortest to the longest of ours. GB/s is algorithm bandwidth, in 10^9 bytes/s.\n"
      "`-` was not measured, or not in time.\n";
  for (const SeriesKey& key : results.keys()) {
    if (!key.fresh) page += SeriesSection(key, results);
  }
  return page + FreshSection(results) + FailuresSection(results);
}

Status WriteReport(const std::string& page_path, const std::string& goals_path,
                   const std::vector<std::string>& json_paths) {
  FLEXMIG_ASSIGN_OR_RETURN(const std::string goals_text, ReadFile(goals_path));
  const auto goals = ParseGoals(goals_text);
  if (!goals.ok()) {
    return Status(goals.status().code(), StrCat(goals_path, ":", goals.status().message()));
  }
  Results results;
  for (const std::string& path : json_paths) {
    FLEXMIG_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    FLEXMIG_RETURN_IF_ERROR(results.Add(json).WithContext(path));
  }
  return WriteFileAtomically(page_path, ReportText(results, *goals));
}

}  // namespace flexmig::perf
