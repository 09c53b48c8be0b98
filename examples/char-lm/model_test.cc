#include "model.h"

#include <cmath>
#include <cstring>
#include <numeric>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"

#include "adam.h"
#include "matrix.h"
#include "sample.h"
#include "text.h"

namespace flexmig::char_lm {
namespace {

// Sizes that are not multiples of the four of MultiplyAdd.
constexpr ModelShape kShape{.symbols = 7, .context = 3, .embedding = 5, .hidden = 9};

std::vector<uint8_t> RandomSymbols(size_t count, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<uint8_t> symbols(count);
  for (auto& symbol : symbols) symbol = static_cast<uint8_t>(random.NextBelow(kShape.symbols));
  return symbols;
}

std::vector<size_t> Positions(size_t count, size_t text_size, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<size_t> positions(count);
  for (auto& position : positions) position = random.NextBelow(text_size - kShape.context);
  return positions;
}

// Also the biases and output weights far from their start near zero, where gradients vanish.
BasicModel<double> RandomModel(uint64_t seed) {
  BasicModel<double> model(kShape, seed);
  SplitMix64 random(seed + 1);
  for (double& p : model.parameters()) p = random.NextUnit() - 0.5;
  return model;
}

TEST(MatrixTest, MultiplyAddMatchesTheDefinitionForAllSmallSizes) {
  for (size_t m = 1; m <= 3; ++m) {
    for (size_t k = 1; k <= 9; ++k) {
      for (size_t n = 1; n <= 5; ++n) {
        std::vector<double> a(m * k);
        std::vector<double> b(k * n);
        std::vector<double> c(m * n);
        std::iota(a.begin(), a.end(), 1);
        std::iota(b.begin(), b.end(), 100);
        std::iota(c.begin(), c.end(), 5000);
        auto expected = c;
        for (size_t i = 0; i < m * n; ++i) {
          for (size_t j = 0; j < k; ++j) expected[i] += a[i / n * k + j] * b[j * n + i % n];
        }
        MultiplyAdd(a.data(), b.data(), c.data(), m, k, n);
        EXPECT_EQ(c, expected) << m << " x " << k << " x " << n;  // whole numbers: no rounding
      }
    }
  }
}

TEST(ModelTest, BlocksCoverTheParametersWithoutGaps) {
  const BasicModel<float> model(kShape, 1);
  size_t offset = 0;
  for (const auto& block : model.blocks()) {
    EXPECT_EQ(block.offset, offset) << block.name;
    offset += block.count();
  }
  EXPECT_EQ(model.parameters().size(), offset);
  EXPECT_EQ(offset, 7U * 5 + 3 * 5 * 9 + 9 + 9 * 7 + 7);
}

// Every parameter of every block against (loss(p + e) - loss(p - e)) / 2e. With e = 1e-5 that has
// an error of about e^2 = 1e-10 from the third derivative and 1e-16 * loss / e = 1e-9 from
// rounding.
TEST(ModelTest, GradientsOfAllBlocksMatchFiniteDifferences) {
  const auto symbols = RandomSymbols(200, 1);
  const auto positions = Positions(70, symbols.size(), 2);  // more than one tile of 64
  auto model = RandomModel(3);
  std::vector<double> gradient(model.parameters().size());
  const double loss = model.AddGradient(symbols, positions, gradient);
  EXPECT_DOUBLE_EQ(loss, model.Loss(symbols, positions));
  constexpr double kStep = 1e-5;
  for (const auto& block : model.blocks()) {
    double largest = 0;
    for (size_t i = block.offset; i < block.offset + block.count(); ++i) {
      double& p = model.parameters()[i];
      const double old = p;
      p = old + kStep;
      const double above = model.Loss(symbols, positions);
      p = old - kStep;
      const double below = model.Loss(symbols, positions);
      p = old;
      EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 1e-6)
          << block.name << "[" << i - block.offset << "]";
      largest = std::max(largest, std::abs(gradient[i]));
    }
    EXPECT_GT(largest, 0.1) << block.name << " was checked where nothing depends on it";
  }
}

TEST(ModelTest, GradientIsAddedToWhatIsThere) {
  const auto symbols = RandomSymbols(100, 1);
  const auto positions = Positions(5, symbols.size(), 2);
  const auto model = RandomModel(3);
  std::vector<double> once(model.parameters().size());
  model.AddGradient(symbols, positions, once);
  std::vector<double> twice = once;
  model.AddGradient(symbols, positions, twice);
  for (size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(twice[i], 2 * once[i], 1e-12);
}

TEST(ModelTest, PartsOfABatchAddUpToTheBatch) {
  const auto symbols = RandomSymbols(500, 1);
  const auto positions = Positions(240, symbols.size(), 2);
  const auto model = RandomModel(3);
  std::vector<double> whole(model.parameters().size());
  const double whole_loss = model.AddGradient(symbols, positions, whole);
  for (const size_t parts : {2U, 3U, 4U, 8U, 240U}) {
    const size_t size = positions.size() / parts;
    std::vector<double> sum(whole.size());
    double loss = 0;
    for (size_t part = 0; part < parts; ++part) {
      std::vector<double> gradient(whole.size());
      loss += model.AddGradient(symbols, std::span(positions).subspan(part * size, size), gradient);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += gradient[i];
    }
    EXPECT_NEAR(loss, whole_loss, 1e-9 * whole_loss) << parts;
    for (size_t i = 0; i < sum.size(); ++i) ASSERT_NEAR(sum[i], whole[i], 1e-10) << parts;
  }
}

TEST(ModelTest, ANewModelFindsAllCharactersAboutEquallyLikely) {
  const Model model(kShape, 1);
  const auto symbols = RandomSymbols(1000, 1);
  const auto positions = Positions(500, symbols.size(), 2);
  EXPECT_NEAR(model.Loss(symbols, positions) / 500, std::log(7.0), 0.05);
}

TEST(ModelTest, PredictionsAreProbabilitiesAndAgreeWithTheLoss) {
  const auto model = RandomModel(1);
  const auto symbols = RandomSymbols(4, 9);
  const auto p = model.Predict(std::span(symbols).first(3));
  ASSERT_EQ(p.size(), kShape.symbols);
  EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1, 1e-12);
  const std::vector<size_t> position{0};
  EXPECT_NEAR(model.Loss(symbols, position), -std::log(p[symbols[3]]), 1e-12);
}

TEST(ModelTest, EqualSeedsGiveEqualBytesAndOthersDoNot) {
  const auto bytes = [](const Model& model) { return std::as_bytes(model.parameters()); };
  const Model a(kShape, 5);
  const Model b(kShape, 5);
  const Model c(kShape, 6);
  EXPECT_EQ(std::memcmp(bytes(a).data(), bytes(b).data(), bytes(a).size()), 0);
  EXPECT_NE(std::memcmp(bytes(a).data(), bytes(c).data(), bytes(a).size()), 0);
}

TEST(AdamTest, FirstStepMovesEveryParameterByTheRateAgainstItsGradient) {
  std::vector<float> parameters{1, 1, 1, 1};
  const std::vector<float> gradient{1e-3F, -5, 1e4F, 0};
  Adam adam(4);
  adam.Step(parameters, gradient, 0.25);
  EXPECT_NEAR(parameters[0], 0.75, 1e-4);
  EXPECT_NEAR(parameters[1], 1.25, 1e-4);
  EXPECT_NEAR(parameters[2], 0.75, 1e-4);
  EXPECT_EQ(parameters[3], 1);
}

TEST(AdamTest, FindsTheMinimumOfAParabola) {
  std::vector<float> x{4};
  Adam adam(1);
  for (int step = 0; step < 2000; ++step) {
    const std::vector<float> gradient{2 * (x[0] - 1.5F)};
    adam.Step(x, gradient, 0.02);
  }
  EXPECT_NEAR(x[0], 1.5, 1e-3);
}

TEST(SampleTest, IsPrintableReproducibleAndOfTheLengthAskedFor) {
  std::string bytes;
  for (int i = 0; i < 2000; ++i) bytes += static_cast<char>("\x1b\n\tabc\x7f"[i * i % 7]);
  const auto text = MakeText(bytes);
  ASSERT_TRUE(text.ok());
  const Model model({.symbols = text->alphabet.size(), .context = 4, .embedding = 2, .hidden = 3},
                    1);
  const std::string sample = WriteSample(model, *text, 300, 8);
  EXPECT_EQ(sample.size(), 4U + 300);
  EXPECT_EQ(sample, WriteSample(model, *text, 300, 8));
  EXPECT_NE(sample, WriteSample(model, *text, 300, 9));
  EXPECT_EQ(sample.find_first_not_of("abc.\n"), std::string::npos);
}

}  // namespace
}  // namespace flexmig::char_lm
