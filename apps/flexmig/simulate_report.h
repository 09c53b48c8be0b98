#pragma once

#include <string>
#include <utility>
#include <vector>

#include "flexmig/sim/summary.h"

namespace flexmig::app {

// What `flexmig simulate` prints.
struct SimulationReport {
  // What the results rest on, in the order in which it is printed: name and text.
  std::vector<std::pair<std::string, std::string>> assumptions;
  // In the order asked for; as many descriptions as summaries.
  std::vector<sim::Summary> summaries;
  std::vector<std::string> policy_descriptions;
};

// For people: assumptions, then a table with units, then the comparison with the best baseline.
std::string RenderTable(const SimulationReport& report);
// One object: "assumptions", "policies", "results", and "comparisons", one for each policy on
// leaves that can be compared.
std::string RenderJson(const SimulationReport& report);
// Assumptions as lines that begin with "# ", then a header line and one line a policy.
std::string RenderCsv(const SimulationReport& report);

}  // namespace flexmig::app
