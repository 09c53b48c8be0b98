// Where the difference between dynamic-drain and flexmig-moldable comes from, step by step.

#include <fmt/format.h>

#include "flexmig/base/strings.h"

#include "runs.h"

namespace flexmig::makespan {
namespace {

struct Step {
  const char* name;
  Variant from;
  Variant to;
};

const std::vector<Step>& Steps() {
  static const Variant drain{"dynamic-drain", "", ""};
  static const Variant partial{"dynamic-partial", "", ""};
  static const Variant free_partial{"dynamic-partial", "", "0s,0s,0s"};
  static const Variant rounded{"flexmig-rounded", "none", ""};
  static const Variant exact{"flexmig", "none", ""};
  static const Variant communicating{"flexmig", "0.95", ""};
  static const Variant moldable{"flexmig-moldable", "0.95", ""};
  static const std::vector<Step> steps = {
      {"no drain", drain, partial},
      {"no reconfiguration", partial, free_partial},
      {"any placement", free_partial, rounded},
      {"exact sizes", rounded, exact},
      {"communication 0.95", exact, communicating},
      {"moldable", communicating, moldable},
      {"together", drain, moldable},
  };
  return steps;
}

// "0.87 (0.63-1.01)": the geometric mean over workloads, and the least and most of them.
std::string Cell(const std::vector<double>& factors) {
  if (factors.empty()) return "-";
  const auto spread = sweep::Spread::Of(factors);
  const double mean = GeometricMean(factors);
  const std::string text = fmt::format("{:.3f} ({:.2f}-{:.2f})", mean, spread.least, spread.most);
  return mean > 1.0005 ? "**" + text + "**" : text;
}

}  // namespace

std::string AblationSection(const Runs& runs) {
  std::string text = "| workloads |";
  std::string rule = "|---|";
  for (const Step& step : Steps()) {
    text += StrCat(" ", step.name, " |");
    rule += "---:|";
  }
  text += "\n" + rule + "\n";
  for (const Group& group : GroupsOf(runs)) {
    text += "| " + group.title + " |";
    for (const Step& step : Steps()) {
      std::vector<double> factors;
      for (const sweep::Setting& workload : group.workloads) {
        const auto ratio = runs.Ratio(workload, step.to, step.from, Metric::kMakespan);
        if (ratio.count > 0) factors.push_back(ratio.mean);
      }
      text += " " + Cell(factors) + " |";
    }
    text += "\n";
  }
  return "## Where it comes from\n\nEach step's makespan over that of the step before, seed by "
         "seed: the geometric mean over workloads,\nand the least and the most of them. The last "
         "column is the whole way.\n\n" +
         text;
}

}  // namespace flexmig::makespan
