#include "portable_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace flexmig::trace {
namespace {

TEST(PortableMathTest, LnAgreesWithTheLibrary) {
  for (double x = 1e-300; x < 1e300; x *= 1.37) {
    const double expected = std::log(x);
    EXPECT_NEAR(Ln(x), expected, 2e-15 * std::max(1.0, std::fabs(expected))) << x;
  }
  for (double x = 0.5; x < 2; x += 0.001) EXPECT_NEAR(Ln(x), std::log(x), 2e-15) << x;
  EXPECT_EQ(Ln(1), 0);
}

TEST(PortableMathTest, ExpAgreesWithTheLibrary) {
  for (double x = -700; x <= 700; x += 0.37) {
    EXPECT_NEAR(Exp(x) / std::exp(x), 1, 2e-15) << x;
  }
  EXPECT_EQ(Exp(0), 1);
}

TEST(PortableMathTest, BitsAreTheSameOnEveryPlatform) {
  EXPECT_EQ(std::bit_cast<uint64_t>(Ln(10)), 0x40026bb1bbb55516U);
  EXPECT_EQ(std::bit_cast<uint64_t>(Exp(1)), 0x4005bf0a8b14576aU);
}

TEST(PortableMathTest, VariatesHaveTheirMoments) {
  SplitMix64 random(20261122);
  constexpr int kSamples = 200'000;
  double exponential = 0;
  double normal = 0;
  double square = 0;
  double fourth = 0;
  for (int i = 0; i < kSamples; ++i) {
    exponential += NextExponential(random);
    const double z = NextNormal(random);
    normal += z;
    square += z * z;
    fourth += z * z * z * z;
  }
  // Five standard errors of each mean.
  const double error = 5 / std::sqrt(double{kSamples});
  EXPECT_NEAR(exponential / kSamples, 1, error);
  EXPECT_NEAR(normal / kSamples, 0, error);
  EXPECT_NEAR(square / kSamples, 1, error * std::sqrt(2.0));
  EXPECT_NEAR(fourth / kSamples, 3, error * std::sqrt(96.0));
}

}  // namespace
}  // namespace flexmig::trace
