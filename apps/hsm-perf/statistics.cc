#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace flexmig::perf {

Summary Summarize(std::span<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const size_t count = samples.size();
  const size_t rank_of_p99 = (count * 99 + 99) / 100;  // rounded up, counted from 1
  return {samples.front(),
          count % 2 == 1 ? samples[count / 2] : (samples[count / 2 - 1] + samples[count / 2]) / 2,
          samples[rank_of_p99 - 1]};
}

double GeometricMean(std::span<const double> values) {
  if (values.empty()) return 0;
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

}  // namespace flexmig::perf
