#pragma once

#include <string>
#include <vector>

#include "goals.h"
#include "results.h"

namespace flexmig::perf {

// How far ours is from what the machine allows, which no ratio to a peer tells.
struct Yardstick {
  std::string what;
  std::string measured;  // with its unit
  std::string limit;
  std::string distance;  // measured divided by limit
  std::string wanted;
  Verdict verdict = Verdict::kNotMeasured;
};

// All that results allow to say, float32. Empty without results.limits().
[[nodiscard]] std::vector<Yardstick> HoldAgainstLimits(const Results& results);

}  // namespace flexmig::perf
