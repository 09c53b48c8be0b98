#include "adam.h"

#include <cmath>

#include "flexmig/base/check.h"

namespace flexmig::char_lm {

void Adam::Step(std::span<float> parameters, std::span<const float> gradient,
                double learning_rate) {
  FLEXMIG_CHECK(parameters.size() == mean_.size() && gradient.size() == mean_.size());
  constexpr float kMeanDecay = 0.9F;
  constexpr float kSquareDecay = 0.999F;
  constexpr float kEpsilon = 1e-8F;
  ++steps_;
  // Both means start at zero; these undo the pull towards it.
  const double mean_part = 1 - std::pow(kMeanDecay, steps_);
  const double square_part = 1 - std::pow(kSquareDecay, steps_);
  const auto rate = static_cast<float>(learning_rate / mean_part);
  const auto root_part = static_cast<float>(1 / std::sqrt(square_part));
  for (size_t i = 0; i < parameters.size(); ++i) {
    mean_[i] += (1 - kMeanDecay) * (gradient[i] - mean_[i]);
    square_[i] += (1 - kSquareDecay) * (gradient[i] * gradient[i] - square_[i]);
    parameters[i] -= rate * mean_[i] / (std::sqrt(square_[i]) * root_part + kEpsilon);
  }
}

}  // namespace flexmig::char_lm
