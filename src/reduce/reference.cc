#include "flexmig/reduce/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "flexmig/base/check.h"

namespace flexmig::reduce {
namespace {

struct HalfFormat {
  int mantissa_bits;
  int exponent_bias;
  int exponent_bits;
};

HalfFormat FormatOf(DataType half_type) {
  FLEXMIG_CHECK(half_type == DataType::kBfloat16 || half_type == DataType::kFloat16);
  return half_type == DataType::kBfloat16 ? HalfFormat{7, 127, 8} : HalfFormat{10, 15, 5};
}

// Modular arithmetic in 128 bits and a cut to the width of T: right for every integer type without
// a word about overflow.
template <typename T>
T ReduceIntegers(ReduceOp op, std::span<const void* const> inputs, size_t index) {
  __extension__ using Wide = __int128;
  const auto cut = [](Wide value) { return static_cast<T>(static_cast<uint64_t>(value)); };
  Wide result = 0;
  for (size_t input = 0; input < inputs.size(); ++input) {
    T element;
    std::memcpy(&element, static_cast<const char*>(inputs[input]) + index * sizeof(T), sizeof(T));
    const Wide value = element;
    if (input == 0) {
      result = value;
    } else if (op == ReduceOp::kMin) {
      result = value < result ? value : result;
    } else if (op == ReduceOp::kMax) {
      result = value > result ? value : result;
    } else if (op == ReduceOp::kProd) {
      result = cut(result * value);
    } else {
      result = cut(result + value);
    }
  }
  if (op == ReduceOp::kAvg) result /= static_cast<Wide>(inputs.size());
  return cut(result);
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

double ReferenceToDouble(DataType half_type, uint16_t bits) {
  const HalfFormat format = FormatOf(half_type);
  const int mantissa_range = 1 << format.mantissa_bits;
  const int exponent_range = 1 << format.exponent_bits;
  const int mantissa = bits % mantissa_range;
  const int exponent = bits / mantissa_range % exponent_range;
  double magnitude = 0;
  if (exponent == exponent_range - 1) {
    if (mantissa != 0) return std::numeric_limits<double>::quiet_NaN();
    magnitude = std::numeric_limits<double>::infinity();
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, 1 - format.exponent_bias - format.mantissa_bits);
  } else {
    magnitude = std::ldexp(mantissa_range + mantissa,
                           exponent - format.exponent_bias - format.mantissa_bits);
  }
  return bits >= 0x8000 ? -magnitude : magnitude;
}

uint16_t ReferenceFromDouble(DataType half_type, double value) {
  const HalfFormat format = FormatOf(half_type);
  const int top = (1 << format.exponent_bits) - 1;
  const int infinity = top << format.mantissa_bits;
  const int sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return static_cast<uint16_t>(infinity | 1 << (format.mantissa_bits - 1));
  int bits = infinity;
  if (!std::isinf(value) && value != 0) {
    // Counted in units of the last place of its binade, but never finer than a subnormal's.
    const int binade = std::max(std::ilogb(value), 1 - format.exponent_bias);
    const double units = std::nearbyint(
        std::ldexp(std::fabs(value), format.mantissa_bits - binade));  // to nearest even
    // Rounding up to the next binade carries into the exponent, which is what addition does.
    const double wide = std::ldexp(binade + format.exponent_bias - 1, format.mantissa_bits) + units;
    if (wide < infinity) bits = static_cast<int>(wide);
  } else if (value == 0) {
    bits = 0;
  }
  return static_cast<uint16_t>(sign | bits);
}

void ReduceInputsReference(DataType type, ReduceOp op, std::span<const void* const> inputs,
                           void* out, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const auto float_result = [&](auto zero) {
      using F = decltype(zero);
      return ReduceFloats<F>(op, inputs.size(), [&](size_t r) { return Get<F>(inputs[r], i); });
    };
    switch (type) {
      case DataType::kFloat32: Put(out, i, float_result(0.0f)); break;
      case DataType::kFloat64: Put(out, i, float_result(0.0)); break;
      case DataType::kInt32: Put(out, i, ReduceIntegers<int32_t>(op, inputs, i)); break;
      case DataType::kInt64: Put(out, i, ReduceIntegers<int64_t>(op, inputs, i)); break;
      case DataType::kBfloat16:
      case DataType::kFloat16:
        const float result = ReduceFloats<float>(op, inputs.size(), [&](size_t r) {
          return static_cast<float>(ReferenceToDouble(type, Get<uint16_t>(inputs[r], i)));
        });
        Put(out, i, ReferenceFromDouble(type, result));
        break;
    }
  }
}

}  // namespace flexmig::reduce
