// One table for each group of workloads, a line for each trace.

#include <fmt/format.h>

#include "flexmig/base/strings.h"

#include "runs.h"

namespace flexmig::makespan {
namespace {

// "0.853 (0.841-0.866)", bold if it is a loss.
std::string Cell(const sweep::Spread& ratio) {
  if (ratio.count == 0) return "-";
  std::string text = fmt::format("{:.3f}", ratio.mean);
  if (ratio.most - ratio.least >= 0.001) {
    text += fmt::format(" ({:.3f}-{:.3f})", ratio.least, ratio.most);
  }
  return ratio.mean > 1.0005 ? "**" + text + "**" : text;
}

// "3.1 (2.0-4.4)" hours.
std::string Hours(const sweep::Spread& seconds) {
  return fmt::format("{:.1f} ({:.1f}-{:.1f})", seconds.mean / 3600, seconds.least / 3600,
                     seconds.most / 3600);
}

// "95/89": percent held, and asked for of it.
std::string Used(const Runs& runs, const sweep::Setting& workload, const Variant& variant) {
  return fmt::format("{:.0f}/{:.0f}", 100 * runs.Of(workload, variant, Metric::kHeld).mean,
                     100 * runs.Of(workload, variant, Metric::kAsked).mean);
}

// Mean wait and utilisation, of which the table above has no room.
std::string UseTable(const Runs& runs, const Group& group) {
  std::string text =
      "\n| trace | one-to-one: hours | JCT h | wait h | used % | flexmig, 0.95: hours | JCT h | "
      "wait "
      "h | used % | moldable, 0.95: hours | JCT h | wait h | used % "
      "|\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const sweep::Setting& workload : group.workloads) {
    text += "| " + TraceText(workload) + " |";
    for (const Variant& variant :
         {Variant{runs.BestOf(workload).policy, "", ""}, Variant{"flexmig", "0.95", ""},
          Variant{"flexmig-moldable", "0.95", ""}}) {
      for (const Metric metric : {Metric::kMakespan, Metric::kJct, Metric::kWait}) {
        text += " " + Hours(runs.Of(workload, variant, metric)) + " |";
      }
      text += " " + Used(runs, workload, variant) + " |";
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string WorkloadSections(const Runs& runs) {
  std::string text;
  for (const Group& group : GroupsOf(runs)) {
    text += StrCat("\n## ", group.title, "\n\n",
                   "| trace | best one-to-one | hours | flexmig, none | 0.95 | 0.85 | links, topo "
                   "| moldable, 0.95 | JCT: flexmig, 0.95 | JCT: moldable, 0.95 "
                   "|\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (const sweep::Setting& workload : group.workloads) {
      const auto best = runs.BestOf(workload);
      text +=
          fmt::format("| {} | {} | {:.1f} |", TraceText(workload), best.policy, best.makespan_h);
      for (const Variant& variant :
           {Variant{"flexmig", "none", ""}, Variant{"flexmig", "0.95", ""},
            Variant{"flexmig", "0.85", ""}, Variant{"flexmig", "links", "", "topo"},
            Variant{"flexmig-moldable", "0.95", ""}}) {
        text += " " + Cell(runs.RatioToBest(workload, variant, Metric::kMakespan)) + " |";
      }
      for (const char* policy : {"flexmig", "flexmig-moldable"}) {
        text += " " + Cell(runs.RatioToBest(workload, {policy, "0.95", ""}, Metric::kJct)) + " |";
      }
      text += "\n";
    }
    text += UseTable(runs, group);
  }
  return text;
}

}  // namespace flexmig::makespan
