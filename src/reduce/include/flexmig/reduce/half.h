#pragma once

#include <bit>
#include <cstdint>

namespace flexmig::reduce {

// The conversions below are free of branches, so that loops over them become vector code, and use
// no subnormal float, so that a process that flushes those to zero gets the same bits.

// bfloat16: the upper half of a float32.
[[nodiscard]] constexpr float Bfloat16BitsToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// Rounds to nearest, ties to even; overflow gives infinity. A NaN stays a NaN with its sign and the
// upper bits of its payload, made quiet.
[[nodiscard]] constexpr uint16_t FloatToBfloat16Bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x0040u;
  return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

// IEEE 754 binary16. Exact.
[[nodiscard]] constexpr float Float16BitsToFloat(uint16_t bits) {
  const uint32_t magnitude = (bits & 0x7fffu) << 13;
  const uint32_t exponent = magnitude & 0x0f800000u;
  // 112 = 127 - 15, the difference of the exponents' biases. Infinity and NaN go from exponent 31
  // to 255, which takes as much again.
  const uint32_t rebias = exponent == 0x0f800000u ? 224u << 23 : 112u << 23;
  const uint32_t normal = magnitude + rebias;
  // A subnormal is its mantissa times 2^-24: read as the mantissa of a float in [2^-14, 2^-13) and
  // rid of the leading one that this added.
  const float shifted = std::bit_cast<float>(magnitude + (113u << 23));
  const uint32_t subnormal = std::bit_cast<uint32_t>(shifted - 0x1p-14f);
  const uint32_t sign = (bits & 0x8000u) << 16;
  return std::bit_cast<float>((exponent == 0 ? subnormal : normal) | sign);
}

// As FloatToBfloat16Bits; 65520 and more round to infinity.
[[nodiscard]] constexpr uint16_t FloatToFloat16Bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  // Below 2^-14 the result is a multiple of 2^-24. That is the distance of floats in [0.5, 1), so
  // the addition rounds.
  const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
  const uint32_t subnormal = std::bit_cast<uint32_t>(shifted) - (126u << 23);
  const uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  const uint32_t finite = magnitude < (113u << 23) ? subnormal : normal;
  const uint32_t bounded = magnitude >= 0x477ff000u ? 0x7c00u : finite;  // 0x477ff000 is 65520
  const uint32_t result = magnitude > 0x7f800000u ? nan : bounded;
  return static_cast<uint16_t>(result | ((bits >> 16) & 0x8000u));
}

// Storage types: two bytes that convert explicitly from and to float and compare as floats do (a
// NaN equals nothing, the two zeros are equal). Arithmetic is done in float.
struct Bfloat16 {
  uint16_t bits = 0;

  Bfloat16() = default;
  explicit constexpr Bfloat16(float value) : bits(FloatToBfloat16Bits(value)) {}
  explicit constexpr operator float() const { return Bfloat16BitsToFloat(bits); }
  friend constexpr bool operator==(Bfloat16 a, Bfloat16 b) {
    return static_cast<float>(a) == static_cast<float>(b);
  }
};

struct Float16 {
  uint16_t bits = 0;

  Float16() = default;
  explicit constexpr Float16(float value) : bits(FloatToFloat16Bits(value)) {}
  explicit constexpr operator float() const { return Float16BitsToFloat(bits); }
  friend constexpr bool operator==(Float16 a, Float16 b) {
    return static_cast<float>(a) == static_cast<float>(b);
  }
};

static_assert(sizeof(Bfloat16) == 2 && sizeof(Float16) == 2);

}  // namespace flexmig::reduce
