#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace flexmig::char_lm {

// The sizes of a model. REQUIRES: all positive, symbols <= 256.
struct ModelShape {
  size_t symbols = 0;     // distinct characters of the text
  size_t context = 8;     // characters that the model sees
  size_t embedding = 16;  // numbers per character
  size_t hidden = 128;
};

// Predicts a character from the `context` characters before it:
//
//   x = embedding[s_1] ... embedding[s_context], one after the other
//   h = tanh(x * hidden_weights + hidden_bias)
//   p = softmax(h * output_weights + output_bias)
//
// All parameters lie in one flat buffer, and so do their gradients, because that is what ranks
// exchange: one all-reduce a step.
//
// Real is float for training and double for checking gradients against differences.
// Threading: thread-compatible.
template <typename Real>
class BasicModel {
 public:
  // A matrix of parameters, row-major, at [offset, offset + rows * columns) of the flat buffer.
  struct Block {
    std::string_view name;
    size_t offset;
    size_t rows;
    size_t columns;
    [[nodiscard]] size_t count() const { return rows * columns; }
  };

  // Parameters drawn from `seed`; equal arguments give equal bits on every rank.
  BasicModel(const ModelShape& shape, uint64_t seed);

  [[nodiscard]] const ModelShape& shape() const { return shape_; }
  // The blocks in the order of the buffer, which they cover without gaps.
  [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }
  [[nodiscard]] std::span<Real> parameters() { return parameters_; }
  [[nodiscard]] std::span<const Real> parameters() const { return parameters_; }

  // The summed loss, -ln p(next character) in nats, over examples: example i has the context
  // symbols[positions[i]] onwards and the character after it.
  // REQUIRES: positions[i] + context < symbols.size(), every symbol < shape().symbols.
  [[nodiscard]] double Loss(std::span<const uint8_t> symbols,
                            std::span<const size_t> positions) const;

  // As Loss; also adds the gradient of that sum to `gradient`.
  // A sum, not a mean: the sums of the parts of a batch add up to the sum of the batch.
  // REQUIRES: also gradient.size() == parameters().size().
  double AddGradient(std::span<const uint8_t> symbols, std::span<const size_t> positions,
                     std::span<Real> gradient) const;

  // The probability of every character after `context`. REQUIRES: context.size() ==
  // shape().context.
  [[nodiscard]] std::vector<Real> Predict(std::span<const uint8_t> context) const;

 private:
  // Activations of one tile of examples, one row per example.
  struct Tile;
  enum BlockIndex { kEmbedding, kHiddenWeights, kHiddenBias, kOutputWeights, kOutputBias };

  [[nodiscard]] const Real* block(BlockIndex i) const { return &parameters_[blocks_[i].offset]; }
  // Fills the tile from `rows` contexts; contexts[i] points at `context` symbols.
  void Forward(std::span<const uint8_t* const> contexts, Tile& tile) const;
  void Backward(std::span<const uint8_t* const> contexts, Tile& tile,
                std::span<Real> gradient) const;
  double Run(std::span<const uint8_t> symbols, std::span<const size_t> positions,
             std::span<Real> gradient) const;

  ModelShape shape_;
  std::vector<Block> blocks_;
  std::vector<Real> parameters_;
};

extern template class BasicModel<float>;
extern template class BasicModel<double>;

using Model = BasicModel<float>;

}  // namespace flexmig::char_lm
