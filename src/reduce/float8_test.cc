#include "flexmig/reduce/float8.h"

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/reduce/reference.h"

namespace flexmig::reduce {
namespace {

struct Format {
  DataType type;
  float (*to_float)(uint8_t);
  uint8_t (*from_float)(float);
  uint8_t largest;
  bool has_infinity;
};
constexpr Format kFormats[] = {
    {DataType::kFloat8E4m3, Float8E4m3BitsToFloat, FloatToFloat8E4m3Bits, 0x7e, false},
    {DataType::kFloat8E5m2, Float8E5m2BitsToFloat, FloatToFloat8E5m2Bits, 0x7b, true},
};

void ExpectConversion(const Format& format, float value) {
  EXPECT_EQ(format.from_float(value), ReferenceFromDouble(format.type, value))
      << DataTypeName(format.type) << " of " << std::hexfloat << value;
}

TEST(Float8Test, EveryValueWidensToTheSameNumber) {
  for (const Format& format : kFormats) {
    for (int bits = 0; bits <= 0xff; ++bits) {
      const float wide = format.to_float(static_cast<uint8_t>(bits));
      const double expected = ReferenceToDouble(format.type, static_cast<uint16_t>(bits));
      ASSERT_EQ(std::signbit(wide), bits >= 0x80) << bits;
      ASSERT_EQ(std::isnan(wide), std::isnan(expected)) << bits;
      if (std::isnan(wide)) continue;
      ASSERT_EQ(static_cast<double>(wide), expected) << bits;
    }
  }
}

// The corners that the specification's table lists.
TEST(Float8Test, LandmarksAreThoseOfTheSpecification) {
  EXPECT_EQ(Float8E4m3BitsToFloat(0x7e), 448.0f);
  EXPECT_EQ(Float8E4m3BitsToFloat(0x08), 0x1p-6f);
  EXPECT_EQ(Float8E4m3BitsToFloat(0x01), 0x1p-9f);
  EXPECT_TRUE(std::isnan(Float8E4m3BitsToFloat(0x7f)));
  EXPECT_EQ(Float8E5m2BitsToFloat(0x7b), 57344.0f);
  EXPECT_EQ(Float8E5m2BitsToFloat(0x04), 0x1p-14f);
  EXPECT_EQ(Float8E5m2BitsToFloat(0x01), 0x1p-16f);
  EXPECT_TRUE(std::isinf(Float8E5m2BitsToFloat(0x7c)));
  EXPECT_TRUE(std::isnan(Float8E5m2BitsToFloat(0x7d)));
}

TEST(Float8Test, EveryNumberSurvivesTheRoundTripAndInfinitySaturates) {
  for (const Format& format : kFormats) {
    for (int bits = 0; bits <= 0xff; ++bits) {
      const auto small = static_cast<uint8_t>(bits);
      const float wide = format.to_float(small);
      const uint8_t back = format.from_float(wide);
      if (std::isnan(wide)) {
        EXPECT_TRUE(std::isnan(format.to_float(back))) << bits;
        EXPECT_EQ(back >> 7, bits >> 7);
      } else if (std::isinf(wide)) {
        EXPECT_EQ(back, (bits & 0x80) | format.largest);
      } else {
        EXPECT_EQ(back, bits);
      }
    }
  }
}

TEST(Float8Test, RoundsToNearestEvenAroundEveryValue) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const Format& format : kFormats) {
    for (uint8_t bits = 0; bits < format.largest; ++bits) {
      const float low = format.to_float(bits);
      const float middle = (low + format.to_float(static_cast<uint8_t>(bits + 1))) / 2;
      for (const float value : {low, std::nextafterf(low, kInfinity), std::nextafterf(middle, 0.0f),
                                middle, std::nextafterf(middle, kInfinity)}) {
        ExpectConversion(format, value);
        ExpectConversion(format, -value);
      }
    }
  }
}

TEST(Float8Test, ArbitraryFloatsRoundAsTheReferenceDoes) {
  SplitMix64 random(7);
  for (const Format& format : kFormats) {
    for (int i = 0; i < 200'000; ++i) {
      const auto value = std::bit_cast<float>(static_cast<uint32_t>(random.Next()));
      if (!std::isnan(value)) ExpectConversion(format, value);
    }
    for (const float value :
         {448.0f, 464.0f, 480.0f, 57344.0f, 61440.0f, 65536.0f, std::numeric_limits<float>::max(),
          0.0f, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::infinity()}) {
      ExpectConversion(format, value);
      ExpectConversion(format, -value);
    }
  }
}

TEST(Float8Test, StorageTypesCompareAsFloats) {
  const Float8E4m3 nan(std::numeric_limits<float>::quiet_NaN());
  EXPECT_FALSE(nan == nan);
  EXPECT_EQ(Float8E5m2(-0.0f), Float8E5m2(0.0f));
  EXPECT_EQ(static_cast<float>(Float8E4m3(1.5f)), 1.5f);
  EXPECT_FALSE(Float8E5m2(1.0f) == Float8E5m2(2.0f));
}

}  // namespace
}  // namespace flexmig::reduce
