#include "sample.h"

#include <cmath>
#include <span>
#include <vector>

#include "flexmig/base/random.h"

namespace flexmig::char_lm {
namespace {

// An index drawn with a chance proportional to probabilities[i]^(1 / 0.7).
uint8_t Draw(const std::vector<float>& probabilities, SplitMix64& random) {
  constexpr double kExponent = 1 / 0.7;
  std::vector<double> weights;
  double sum = 0;
  for (const float p : probabilities) sum += weights.emplace_back(std::pow(p, kExponent));
  double left = sum * random.NextUnit();
  size_t i = 0;
  while (i + 1 < weights.size() && left >= weights[i]) left -= weights[i++];
  return static_cast<uint8_t>(i);
}

}  // namespace

std::string WriteSample(const Model& model, const Text& text, size_t count, uint64_t seed) {
  SplitMix64 random(seed);
  const size_t context = model.shape().context;
  const auto start = static_cast<std::ptrdiff_t>(random.NextBelow(text.symbols.size() - context));
  std::vector<uint8_t> row(text.symbols.begin() + start,
                           text.symbols.begin() + start + static_cast<std::ptrdiff_t>(context));
  for (size_t i = 0; i < count; ++i) {
    row.push_back(Draw(model.Predict(std::span(row).last(context)), random));
  }
  std::string sample = text.Decode(row);
  for (char& c : sample) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) c = '.';
  }
  return sample;
}

}  // namespace flexmig::char_lm
