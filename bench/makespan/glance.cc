// What all workloads say together.

#include <algorithm>

#include <fmt/format.h>

#include "runs.h"

namespace flexmig::makespan {
namespace {

// "0.87, 12/18": the geometric mean, and in how many workloads the mean over seeds is below 1.
std::string Cell(const std::vector<double>& ratios) {
  if (ratios.empty()) return "-";
  const auto won = std::count_if(ratios.begin(), ratios.end(), [](double r) { return r < 0.9995; });
  const double mean = GeometricMean(ratios);
  const std::string text = fmt::format("{:.3f}, {}/{}", mean, won, ratios.size());
  return mean > 1 ? "**" + text + "**" : text;
}

std::string Row(const Runs& runs, const Group& group, Metric metric,
                const std::vector<Variant>& variants) {
  std::string text = "| " + group.title + " |";
  for (const Variant& variant : variants) {
    std::vector<double> ratios;
    for (const sweep::Setting& workload : group.workloads) {
      const auto ratio = runs.RatioToBest(workload, variant, metric);
      if (ratio.count > 0) ratios.push_back(ratio.mean);
    }
    text += " " + Cell(ratios) + " |";
  }
  return text + "\n";
}

std::string Table(const Runs& runs, const std::vector<Group>& groups, Metric metric) {
  const std::vector<Variant> variants = {
      {"flexmig", "none", ""},          {"flexmig", "0.95", ""},
      {"flexmig", "0.85", ""},          {"flexmig", "links", "", "topo"},
      {"flexmig-moldable", "0.95", ""}, {"flexmig-moldable", "0.85", ""}};
  std::string text =
      "| workloads | flexmig, none | 0.95 | 0.85 | links, topo | moldable, "
      "0.95 | moldable, 0.85 |\n|---|---:|---:|---:|---:|---:|---:|\n";
  for (const Group& group : groups) text += Row(runs, group, metric, variants);
  return text;
}

std::string Targets(const Runs& runs, const std::vector<Group>& groups) {
  std::string text =
      "| workloads | static:best | dynamic-drain | both | dynamic-partial, "
      "mean | static:best, mean | dynamic-drain, mean |\n|---|---:|---:|---:|---:|---:|---:|\n";
  for (const Group& group : groups) {
    int below_static = 0;
    int below_drain = 0;
    int below_both = 0;
    std::map<std::string, std::vector<double>> all;
    for (const sweep::Setting& workload : group.workloads) {
      const auto against = [&](const char* policy) {
        const auto ratio =
            runs.Ratio(workload, {"flexmig", "0.95", ""}, {policy, "", ""}, Metric::kMakespan);
        if (ratio.count > 0) all[policy].push_back(ratio.mean);
        return ratio.count > 0 ? ratio.mean : 2;
      };
      constexpr double kTarget = 0.83;
      const bool is_below_static = against("static:best") <= kTarget;
      const bool is_below_drain = against("dynamic-drain") <= kTarget;
      against("dynamic-partial");
      below_static += is_below_static ? 1 : 0;
      below_drain += is_below_drain ? 1 : 0;
      below_both += is_below_static && is_below_drain ? 1 : 0;
    }
    const size_t count = group.workloads.size();
    text += fmt::format("| {} | {}/{} | {}/{} | {}/{} | {:.3f} | {:.3f} | {:.3f} |\n", group.title,
                        below_static, count, below_drain, count, below_both, count,
                        GeometricMean(all["dynamic-partial"]), GeometricMean(all["static:best"]),
                        GeometricMean(all["dynamic-drain"]));
  }
  return text;
}

}  // namespace

std::string GlanceSection(const Runs& runs) {
  const auto groups = GroupsOf(runs);
  return "## At a glance\n\nMakespan over that of the best one-to-one policy of the same seed: the "
         "geometric mean over\nworkloads of the means over seeds, and in how many workloads it is "
         "below 1.\n\n" +
         Table(runs, groups, Metric::kMakespan) +
         "\nMean JCT over the smallest of the one-to-one policies, likewise.\n\n" +
         Table(runs, groups, Metric::kJct) +
         "\nThe goal was a makespan at least 17 % below both `static:best` and `dynamic-drain` on "
         "most saturated\nworkloads. `flexmig` with communication 0.95: in how many workloads it "
         "is, and the geometric means.\n\n" +
         Targets(runs, groups);
}

}  // namespace flexmig::makespan
