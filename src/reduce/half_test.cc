#include "flexmig/reduce/half.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/reduce/reference.h"
#include "flexmig/reduce/types.h"

namespace flexmig::reduce {
namespace {

struct Format {
  DataType type;
  float (*to_float)(uint16_t);
  uint16_t (*from_float)(float);
  uint16_t infinity;
  uint16_t quiet_bit;
};
constexpr Format kFormats[] = {
    {DataType::kBfloat16, Bfloat16BitsToFloat, FloatToBfloat16Bits, 0x7f80, 0x0040},
    {DataType::kFloat16, Float16BitsToFloat, FloatToFloat16Bits, 0x7c00, 0x0200},
};

bool IsNan(const Format& format, uint16_t bits) { return (bits & 0x7fff) > format.infinity; }

void ExpectConversion(const Format& format, float value) {
  EXPECT_EQ(format.from_float(value), ReferenceFromDouble(format.type, value))
      << DataTypeName(format.type) << " of " << std::hexfloat << value;
}

TEST(HalfTest, EveryValueWidensToTheSameNumber) {
  for (const Format& format : kFormats) {
    for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
      const auto half = static_cast<uint16_t>(bits);
      const float wide = format.to_float(half);
      ASSERT_EQ(std::isnan(wide), IsNan(format, half)) << bits;
      ASSERT_EQ(std::signbit(wide), half >= 0x8000) << bits;
      if (!IsNan(format, half)) {
        ASSERT_EQ(static_cast<double>(wide), ReferenceToDouble(format.type, half)) << bits;
      }
    }
  }
}

TEST(HalfTest, EveryValueSurvivesTheRoundTrip) {
  for (const Format& format : kFormats) {
    for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
      const auto half = static_cast<uint16_t>(bits);
      const uint32_t expected = IsNan(format, half) ? half | format.quiet_bit : half;
      ASSERT_EQ(format.from_float(format.to_float(half)), expected) << bits;
    }
  }
}

// Between each half and the next lie the values that can round the wrong way: just above, just
// below, the middle and its neighbours.
TEST(HalfTest, RoundsToNearestEvenAroundEveryValue) {
  for (const Format& format : kFormats) {
    for (uint16_t half = 0; half < format.infinity; ++half) {
      const float low = format.to_float(half);
      const bool last = half + 1 == format.infinity;
      // Beyond the largest number the next step would be twice the largest power of two.
      const double above =
          last ? 2 * std::ldexp(1.0, std::ilogb(low))
               : static_cast<double>(format.to_float(static_cast<uint16_t>(half + 1)));
      const auto middle = static_cast<float>((low + above) / 2);
      constexpr float kInfinity = std::numeric_limits<float>::infinity();
      for (const float value : {low, std::nextafterf(low, kInfinity), std::nextafterf(middle, 0.0f),
                                middle, std::nextafterf(middle, kInfinity)}) {
        ExpectConversion(format, value);
        ExpectConversion(format, -value);
      }
    }
  }
}

TEST(HalfTest, ArbitraryFloatsRoundAsTheReferenceDoes) {
  SplitMix64 random(7);
  for (const Format& format : kFormats) {
    for (int i = 0; i < 200'000; ++i) {
      const auto value = std::bit_cast<float>(static_cast<uint32_t>(random.Next()));
      if (!std::isnan(value)) ExpectConversion(format, value);
    }
    ExpectConversion(format, std::numeric_limits<float>::max());
    ExpectConversion(format, std::numeric_limits<float>::denorm_min());
    ExpectConversion(format, std::numeric_limits<float>::infinity());
    ExpectConversion(format, -std::numeric_limits<float>::infinity());
    ExpectConversion(format, -0.0f);
  }
}

TEST(HalfTest, NanKeepsItsSignAndNeverBecomesInfinity) {
  for (const Format& format : kFormats) {
    // The lowest payload bit alone would be lost by the cut.
    for (const uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fc00000u, 0xffffffffu}) {
      const uint16_t half = format.from_float(std::bit_cast<float>(bits));
      EXPECT_TRUE(IsNan(format, half)) << std::hex << bits;
      EXPECT_EQ(half >> 15, bits >> 31);
    }
  }
}

TEST(HalfTest, StorageTypesCompareAsFloats) {
  const Float16 nan(std::numeric_limits<float>::quiet_NaN());
  EXPECT_FALSE(nan == nan);
  EXPECT_EQ(Float16(-0.0f), Float16(0.0f));
  EXPECT_EQ(static_cast<float>(Bfloat16(1.5f)), 1.5f);
  EXPECT_FALSE(Bfloat16(1.0f) == Bfloat16(2.0f));
}

}  // namespace
}  // namespace flexmig::reduce
