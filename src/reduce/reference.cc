#include "flexmig/reduce/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "flexmig/base/check.h"

namespace flexmig::reduce {
namespace {

struct SmallFloat {
  int mantissa_bits;
  int exponent_bias;
  int exponent_bits;
  bool saturates;  // and is of eight bits
  int largest;     // the largest finite number's bits
  int nan;

  int SignBit() const { return 1 << (mantissa_bits + exponent_bits); }
};

SmallFloat FormatOf(DataType type) {
  switch (type) {
    case DataType::kBfloat16: return {7, 127, 8, false, 0x7f7f, 0x7fc0};
    case DataType::kFloat16: return {10, 15, 5, false, 0x7bff, 0x7e00};
    case DataType::kFloat8E4m3: return {3, 7, 4, true, 0x7e, 0x7f};
    case DataType::kFloat8E5m2: return {2, 15, 5, true, 0x7b, 0x7e};
    default: break;
  }
  FLEXMIG_CHECK(false);  // not a float of fewer than 32 bits
  return {};
}

// Modular arithmetic in 128 bits and a cut to the width of T: right for every integer type without
// a word about overflow.
template <typename T>
T ReduceIntegers(ReduceOp op, std::span<const void* const> inputs, std::span<const Scalar> scalars,
                 size_t index) {
  __extension__ using Wide = __int128;
  // The plus makes an int of what would else be a character.
  const auto cut = [](Wide value) -> Wide { return +static_cast<T>(static_cast<uint64_t>(value)); };
  const auto product = [&](Wide a, Wide b) {
    return cut(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  };
  Wide result = 0;
  for (size_t input = 0; input < inputs.size(); ++input) {
    T element;
    std::memcpy(&element, static_cast<const char*>(inputs[input]) + index * sizeof(T), sizeof(T));
    Wide value = +element;
    if (op == ReduceOp::kPreMulSum && !scalars.empty())
      value = product(value, +scalars[input].As<T>());
    if (input == 0) {
      result = value;
    } else if (op == ReduceOp::kMin) {
      result = value < result ? value : result;
    } else if (op == ReduceOp::kMax) {
      result = value > result ? value : result;
    } else if (op == ReduceOp::kProd) {
      result = product(result, value);
    } else {
      result = cut(result + value);
    }
  }
  if (op == ReduceOp::kAvg) result /= static_cast<Wide>(inputs.size());
  return static_cast<T>(cut(result));
}

// F is the type that the sum is kept in; `element` gives input r's element as an F.
template <typename F, typename Element>
F ReduceFloats(ReduceOp op, size_t inputs, Element element) {
  F result = element(0);
  for (size_t input = 1; input < inputs; ++input) {
    const F value = element(input);
    if (op == ReduceOp::kMin || op == ReduceOp::kMax) {
      const bool better = op == ReduceOp::kMin ? value < result : value > result;
      if (std::isnan(value) || better) result = value;
    } else if (op == ReduceOp::kProd) {
      result = result * value;
    } else {
      result = result + value;
    }
  }
  if (op == ReduceOp::kAvg) result = result / static_cast<F>(inputs);
  return std::isnan(result) ? std::numeric_limits<F>::quiet_NaN() : result;
}

template <typename T>
void Put(void* out, size_t index, T value) {
  std::memcpy(static_cast<char*>(out) + index * sizeof(T), &value, sizeof(T));
}

template <typename T>
T Get(const void* in, size_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(in) + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

double ReferenceToDouble(DataType type, uint16_t bits) {
  const SmallFloat format = FormatOf(type);
  const int mantissa_range = 1 << format.mantissa_bits;
  const int magnitude_bits = bits % format.SignBit();
  const int mantissa = magnitude_bits % mantissa_range;
  const int exponent = magnitude_bits / mantissa_range;
  double magnitude = 0;
  if (magnitude_bits > format.largest) {
    // The first pattern above is infinity, except in e4m3, which has none.
    const bool infinite = mantissa == 0 && type != DataType::kFloat8E4m3;
    if (!infinite) return std::numeric_limits<double>::quiet_NaN();
    magnitude = std::numeric_limits<double>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, 1 - format.exponent_bias - format.mantissa_bits);
  } else {
    magnitude = std::ldexp(mantissa_range + mantissa,
                           exponent - format.exponent_bias - format.mantissa_bits);
  }
  return bits >= format.SignBit() ? -magnitude : magnitude;
}

uint16_t ReferenceFromDouble(DataType type, double value) {
  const SmallFloat format = FormatOf(type);
  const int sign = std::signbit(value) ? format.SignBit() : 0;
  if (std::isnan(value)) return static_cast<uint16_t>(format.nan);
  int bits = format.saturates ? format.largest : format.largest + 1;  // which is infinity
  if (!std::isinf(value) && value != 0) {
    // Counted in units of the last place of its binade, but never finer than a subnormal's.
    const int binade = std::max(std::ilogb(value), 1 - format.exponent_bias);
    const double units = std::nearbyint(
        std::ldexp(std::fabs(value), format.mantissa_bits - binade));  // to nearest even
    // Rounding up to the next binade carries into the exponent, which is what addition does.
    const double wide = std::ldexp(binade + format.exponent_bias - 1, format.mantissa_bits) + units;
    if (wide <= format.largest) bits = static_cast<int>(wide);
  } else if (value == 0) {
    bits = 0;
  }
  return static_cast<uint16_t>(sign | bits);
}

void ReduceInputsReference(DataType type, ReduceOp op, std::span<const void* const> inputs,
                           void* out, size_t count, std::span<const Scalar> scalars) {
  const bool scaled = op == ReduceOp::kPreMulSum && !scalars.empty();
  for (size_t i = 0; i < count; ++i) {
    const auto integer = [&](auto zero) {
      using T = decltype(zero);
      Put(out, i, ReduceIntegers<T>(op, inputs, scalars, i));
    };
    const auto floating = [&](auto zero) {
      using F = decltype(zero);
      Put(out, i, ReduceFloats<F>(op, inputs.size(), [&](size_t r) {
            const F value = Get<F>(inputs[r], i);
            return scaled ? value * scalars[r].As<F>() : value;
          }));
    };
    // Bits is as wide as the type.
    const auto small = [&](auto zero) {
      using Bits = decltype(zero);
      const float result = ReduceFloats<float>(op, inputs.size(), [&](size_t r) {
        const auto value = static_cast<float>(ReferenceToDouble(type, Get<Bits>(inputs[r], i)));
        if (!scaled) return value;
        return value * static_cast<float>(ReferenceToDouble(type, scalars[r].As<Bits>()));
      });
      Put(out, i, static_cast<Bits>(ReferenceFromDouble(type, result)));
    };
    switch (type) {
      case DataType::kFloat32: floating(float{}); break;
      case DataType::kFloat64: floating(double{}); break;
      case DataType::kInt8: integer(int8_t{}); break;
      case DataType::kUint8: integer(uint8_t{}); break;
      case DataType::kInt32: integer(int32_t{}); break;
      case DataType::kUint32: integer(uint32_t{}); break;
      case DataType::kInt64: integer(int64_t{}); break;
      case DataType::kUint64: integer(uint64_t{}); break;
      case DataType::kBfloat16:
      case DataType::kFloat16: small(uint16_t{}); break;
      case DataType::kFloat8E4m3:
      case DataType::kFloat8E5m2: small(uint8_t{}); break;
    }
  }
}

}  // namespace flexmig::reduce
