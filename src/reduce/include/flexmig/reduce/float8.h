#pragma once

#include <bit>
#include <cstdint>

namespace flexmig::reduce {

// The two eight-bit formats of the OCP OFP8 specification. e4m3 (the variant that is also called
// e4m3fn) has no infinity and one NaN, 0x7f or 0xff; e5m2 has infinities and NaN as IEEE 754 does.
//
// Conversions from float round to nearest, ties to even, and saturate: what is too large, infinity
// included, becomes the largest finite number (448, 57344). That is what NCCL does: its fp8 sums go
// through the constructors of __nv_fp8_e4m3 and __nv_fp8_e5m2 (src/device/reduce_kernel.h), which
// rely on __NV_SATFINITE (CUDA Math API, "FP8 Conversion and Data Movement"). A NaN stays a NaN.
//
// As in half.h there are no branches and no subnormal floats.

[[nodiscard]] constexpr float Float8E4m3BitsToFloat(uint8_t bits) {
  const uint32_t magnitude = (bits & 0x7fu) << 20;
  const uint32_t normal = magnitude + (120u << 23);  // 120 = 127 - 7, the difference of the biases
  // A subnormal is its mantissa times 2^-9: see Float16BitsToFloat.
  const float shifted = std::bit_cast<float>(magnitude + (121u << 23));
  const uint32_t subnormal = std::bit_cast<uint32_t>(shifted - 0x1p-6f);
  const uint32_t number = magnitude < (1u << 23) ? subnormal : normal;
  const uint32_t result = magnitude == 0x07f00000u ? 0x7fc00000u : number;
  return std::bit_cast<float>(result | (bits & 0x80u) << 24);
}

[[nodiscard]] constexpr uint8_t FloatToFloat8E4m3Bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t normal = (magnitude - (120u << 23) + 0x7ffffu + ((magnitude >> 20) & 1u)) >> 20;
  // Below 2^-6 the result is a multiple of 2^-9, the distance of floats in [2^14, 2^15).
  const float shifted = std::bit_cast<float>(magnitude) + 0x1p14f;
  const uint32_t subnormal = std::bit_cast<uint32_t>(shifted) - (141u << 23);
  const uint32_t number = magnitude < (121u << 23) ? subnormal : normal;
  const uint32_t bounded = number < 0x7eu ? number : 0x7eu;
  const uint32_t result = magnitude > 0x7f800000u ? 0x7fu : bounded;
  return static_cast<uint8_t>(result | ((bits >> 24) & 0x80u));
}

// The upper half of a float16.
[[nodiscard]] constexpr float Float8E5m2BitsToFloat(uint8_t bits) {
  const uint32_t magnitude = (bits & 0x7fu) << 21;
  const uint32_t rebias = magnitude >= (31u << 23) ? 224u << 23 : 112u << 23;
  const uint32_t normal = magnitude + rebias;
  const float shifted = std::bit_cast<float>(magnitude + (113u << 23));
  const uint32_t subnormal = std::bit_cast<uint32_t>(shifted - 0x1p-14f);
  const uint32_t result = magnitude < (1u << 23) ? subnormal : normal;
  return std::bit_cast<float>(result | (bits & 0x80u) << 24);
}

// A NaN is 0x7e or, if its payload says so, 0x7f, with its sign.
[[nodiscard]] constexpr uint8_t FloatToFloat8E5m2Bits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t normal = (magnitude - (112u << 23) + 0xfffffu + ((magnitude >> 21) & 1u)) >> 21;
  // Below 2^-14 the result is a multiple of 2^-16, the distance of floats in [2^7, 2^8).
  const float shifted = std::bit_cast<float>(magnitude) + 0x1p7f;
  const uint32_t subnormal = std::bit_cast<uint32_t>(shifted) - (134u << 23);
  const uint32_t number = magnitude < (113u << 23) ? subnormal : normal;
  const uint32_t bounded = number < 0x7bu ? number : 0x7bu;
  const uint32_t nan = 0x7eu | ((magnitude >> 21) & 1u);
  const uint32_t result = magnitude > 0x7f800000u ? nan : bounded;
  return static_cast<uint8_t>(result | ((bits >> 24) & 0x80u));
}

// Storage types: one byte that converts explicitly from and to float and compares as floats do.
struct Float8E4m3 {
  uint8_t bits = 0;

  Float8E4m3() = default;
  explicit constexpr Float8E4m3(float value) : bits(FloatToFloat8E4m3Bits(value)) {}
  explicit constexpr operator float() const { return Float8E4m3BitsToFloat(bits); }
  friend constexpr bool operator==(Float8E4m3 a, Float8E4m3 b) {
    return static_cast<float>(a) == static_cast<float>(b);
  }
};

struct Float8E5m2 {
  uint8_t bits = 0;

  Float8E5m2() = default;
  explicit constexpr Float8E5m2(float value) : bits(FloatToFloat8E5m2Bits(value)) {}
  explicit constexpr operator float() const { return Float8E5m2BitsToFloat(bits); }
  friend constexpr bool operator==(Float8E5m2 a, Float8E5m2 b) {
    return static_cast<float>(a) == static_cast<float>(b);
  }
};

static_assert(sizeof(Float8E4m3) == 1 && sizeof(Float8E5m2) == 1);

}  // namespace flexmig::reduce
