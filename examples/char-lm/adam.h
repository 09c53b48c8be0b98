#pragma once

#include <span>
#include <vector>

namespace flexmig::char_lm {

// Adam (Kingma and Ba, ICLR 2015) with the paper's constants: each parameter moves by about the
// learning rate, whatever the scale of its gradient. Computed identically on every rank from the
// reduced gradient, so that parameters need no exchange.
class Adam {
 public:
  explicit Adam(size_t count) : mean_(count), square_(count) {}

  // Moves `parameters` against `gradient`. REQUIRES: both have `count` elements.
  void Step(std::span<float> parameters, std::span<const float> gradient, double learning_rate);

 private:
  std::vector<float> mean_;    // decaying mean of the gradient
  std::vector<float> square_;  // decaying mean of its square
  int steps_ = 0;
};

}  // namespace flexmig::char_lm
