#include "model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "flexmig/base/check.h"
#include "flexmig/base/random.h"

#include "matrix.h"

namespace flexmig::char_lm {
namespace {

// Examples per tile: with the default shape 64 rows of all activations are 180 KiB, which fits the
// second-level cache of every x86 server.
constexpr size_t kTileRows = 64;

// Turns each row of scores into probabilities. The largest score is subtracted first, so that exp
// cannot overflow.
template <typename Real>
void Softmax(Real* scores, size_t rows, size_t columns) {
  for (size_t row = 0; row < rows; ++row) {
    const std::span<Real> values(scores + row * columns, columns);
    const Real largest = *std::ranges::max_element(values);
    Real sum = 0;
    for (Real& value : values) sum += value = std::exp(value - largest);
    for (Real& value : values) value /= sum;
  }
}

// Adds the columns of `rows` x sums.size() values to `sums`.
template <typename Real>
void AddRows(const std::vector<Real>& values, size_t rows, std::span<Real> sums) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t j = 0; j < sums.size(); ++j) sums[j] += values[row * sums.size() + j];
  }
}

}  // namespace

template <typename Real>
struct BasicModel<Real>::Tile {
  // `backward` also reserves what only Backward needs.
  Tile(const ModelShape& shape, size_t rows, bool backward)
      : input(rows * shape.context * shape.embedding),
        hidden(rows * shape.hidden),
        output(rows * shape.symbols) {
    if (!backward) return;
    input_gradient.resize(input.size());
    hidden_gradient.resize(hidden.size());
    transposed.resize(std::max(input.size(), hidden.size()));
  }
  std::vector<Real> input;   // embeddings, row = context * embedding
  std::vector<Real> hidden;  // after tanh
  std::vector<Real> output;  // probabilities; Backward wants p - 1 at the right character
  std::vector<Real> input_gradient;
  std::vector<Real> hidden_gradient;
  std::vector<Real> transposed;                 // activations, for the gradient of the weights
  std::vector<Real> hidden_weights_transposed;  // filled once per call, not per tile
  std::vector<Real> output_weights_transposed;
};

template <typename Real>
BasicModel<Real>::BasicModel(const ModelShape& shape, uint64_t seed) : shape_(shape) {
  FLEXMIG_CHECK(shape.symbols >= 1 && shape.symbols <= 256 && shape.context >= 1);
  FLEXMIG_CHECK(shape.embedding >= 1 && shape.hidden >= 1);
  const size_t inputs = shape.context * shape.embedding;
  size_t offset = 0;
  SplitMix64 random(seed);
  // Uniform in [-range, range).
  const auto add = [&](std::string_view name, size_t rows, size_t columns, double range) {
    blocks_.push_back({name, offset, rows, columns});
    offset += rows * columns;
    while (parameters_.size() < offset) {
      parameters_.push_back(static_cast<Real>(range * (2 * random.NextUnit() - 1)));
    }
  };
  // A uniform number in [-r, r) has variance r^2 / 3: embeddings of variance 1 and weights of
  // variance 1 / inputs keep the hidden sums at variance 1, where tanh is steep. Small output
  // weights start the model near "all characters are equally likely".
  add("embedding", shape.symbols, shape.embedding, std::sqrt(3.0));
  add("hidden_weights", inputs, shape.hidden, std::sqrt(3.0 / static_cast<double>(inputs)));
  add("hidden_bias", 1, shape.hidden, 0);
  add("output_weights", shape.hidden, shape.symbols,
      0.1 * std::sqrt(3.0 / static_cast<double>(shape.hidden)));
  add("output_bias", 1, shape.symbols, 0);
}

template <typename Real>
void BasicModel<Real>::Forward(std::span<const uint8_t* const> contexts, Tile& tile) const {
  const size_t rows = contexts.size();
  const size_t width = shape_.embedding;
  auto* next = tile.input.data();
  for (const uint8_t* const context : contexts) {
    for (size_t i = 0; i < shape_.context; ++i) {
      next = std::copy_n(block(kEmbedding) + context[i] * width, width, next);
    }
  }
  const size_t inputs = shape_.context * width;
  for (size_t row = 0; row < rows; ++row) {
    std::copy_n(block(kHiddenBias), shape_.hidden, &tile.hidden[row * shape_.hidden]);
    std::copy_n(block(kOutputBias), shape_.symbols, &tile.output[row * shape_.symbols]);
  }
  MultiplyAdd(tile.input.data(), block(kHiddenWeights), tile.hidden.data(), rows, inputs,
              shape_.hidden);
  for (size_t i = 0; i < rows * shape_.hidden; ++i) tile.hidden[i] = std::tanh(tile.hidden[i]);
  MultiplyAdd(tile.hidden.data(), block(kOutputWeights), tile.output.data(), rows, shape_.hidden,
              shape_.symbols);
  Softmax(tile.output.data(), rows, shape_.symbols);
}

template <typename Real>
void BasicModel<Real>::Backward(std::span<const uint8_t* const> contexts, Tile& tile,
                                std::span<Real> gradient) const {
  const size_t rows = contexts.size();
  const size_t inputs = shape_.context * shape_.embedding;
  const auto of = [&](BlockIndex i) {
    return gradient.subspan(blocks_[i].offset, blocks_[i].count());
  };
  // The gradient of the loss with respect to the scores is p - [is the right character].
  AddRows(tile.output, rows, of(kOutputBias));
  Transpose(tile.hidden.data(), tile.transposed.data(), rows, shape_.hidden);
  MultiplyAdd(tile.transposed.data(), tile.output.data(), of(kOutputWeights).data(), shape_.hidden,
              rows, shape_.symbols);

  std::ranges::fill(tile.hidden_gradient, Real{0});
  MultiplyAdd(tile.output.data(), tile.output_weights_transposed.data(),
              tile.hidden_gradient.data(), rows, shape_.symbols, shape_.hidden);
  for (size_t i = 0; i < rows * shape_.hidden; ++i) {
    tile.hidden_gradient[i] *= 1 - tile.hidden[i] * tile.hidden[i];  // tanh' = 1 - tanh^2
  }
  AddRows(tile.hidden_gradient, rows, of(kHiddenBias));
  Transpose(tile.input.data(), tile.transposed.data(), rows, inputs);
  MultiplyAdd(tile.transposed.data(), tile.hidden_gradient.data(), of(kHiddenWeights).data(),
              inputs, rows, shape_.hidden);

  std::ranges::fill(tile.input_gradient, Real{0});
  MultiplyAdd(tile.hidden_gradient.data(), tile.hidden_weights_transposed.data(),
              tile.input_gradient.data(), rows, shape_.hidden, inputs);
  const auto embedding = of(kEmbedding);
  const Real* next = tile.input_gradient.data();
  for (const uint8_t* const context : contexts) {
    for (size_t i = 0; i < shape_.context; ++i) {
      Real* const sums = &embedding[context[i] * shape_.embedding];
      for (size_t j = 0; j < shape_.embedding; ++j) sums[j] += *next++;
    }
  }
}

// `gradient` is empty when only the loss is wanted.
template <typename Real>
double BasicModel<Real>::Run(std::span<const uint8_t> symbols, std::span<const size_t> positions,
                             std::span<Real> gradient) const {
  Tile tile(shape_, std::min(kTileRows, positions.size()), !gradient.empty());
  if (!gradient.empty()) {
    const size_t inputs = shape_.context * shape_.embedding;
    tile.hidden_weights_transposed.resize(inputs * shape_.hidden);
    tile.output_weights_transposed.resize(shape_.hidden * shape_.symbols);
    Transpose(block(kHiddenWeights), tile.hidden_weights_transposed.data(), inputs, shape_.hidden);
    Transpose(block(kOutputWeights), tile.output_weights_transposed.data(), shape_.hidden,
              shape_.symbols);
  }
  double loss = 0;
  std::vector<const uint8_t*> contexts;
  for (size_t begin = 0; begin < positions.size(); begin += kTileRows) {
    const auto part = positions.subspan(begin, std::min(kTileRows, positions.size() - begin));
    contexts.clear();
    for (const size_t position : part) contexts.push_back(&symbols[position]);
    Forward(contexts, tile);
    for (size_t row = 0; row < part.size(); ++row) {
      Real& p = tile.output[row * shape_.symbols + symbols[part[row] + shape_.context]];
      loss -= std::log(static_cast<double>(p));
      p -= 1;
    }
    if (!gradient.empty()) Backward(contexts, tile, gradient);
  }
  return loss;
}

template <typename Real>
double BasicModel<Real>::Loss(std::span<const uint8_t> symbols,
                              std::span<const size_t> positions) const {
  return Run(symbols, positions, {});
}

template <typename Real>
double BasicModel<Real>::AddGradient(std::span<const uint8_t> symbols,
                                     std::span<const size_t> positions,
                                     std::span<Real> gradient) const {
  FLEXMIG_CHECK(gradient.size() == parameters_.size());
  return Run(symbols, positions, gradient);
}

template <typename Real>
std::vector<Real> BasicModel<Real>::Predict(std::span<const uint8_t> context) const {
  FLEXMIG_CHECK(context.size() == shape_.context);
  Tile tile(shape_, 1, false);
  const uint8_t* const only = context.data();
  Forward({&only, 1}, tile);
  return std::move(tile.output);
}

template class BasicModel<float>;
template class BasicModel<double>;

}  // namespace flexmig::char_lm
