#pragma once

#include <span>

namespace flexmig::perf {

// In the unit of the samples.
struct Summary {
  double min = 0;
  double median = 0;  // of an even number: the mean of the two in the middle
  double p99 = 0;     // nearest rank: the smallest sample that 99 % do not exceed
};

// Reorders `samples`. All zero if there are none.
[[nodiscard]] Summary Summarize(std::span<double> samples);

// The geometric mean; 0 if there are none. REQUIRES: every value is positive.
[[nodiscard]] double GeometricMean(std::span<const double> values);

}  // namespace flexmig::perf
