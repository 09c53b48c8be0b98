#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "flexmig/reduce/half.h"

namespace flexmig::reduce {

// What one element is. The values are part of the shared segment's format
// (docs/formats/segment.md): never renumber.
enum class DataType : uint8_t {
  kFloat32 = 0,
  kFloat64 = 1,
  kInt32 = 2,
  kInt64 = 3,
  kBfloat16 = 4,
  kFloat16 = 5,
};
inline constexpr DataType kAllDataTypes[] = {DataType::kFloat32,  DataType::kFloat64,
                                             DataType::kInt32,    DataType::kInt64,
                                             DataType::kBfloat16, DataType::kFloat16};

// How elements of all ranks become one; reduce.h says exactly. Numbered as DataType is.
enum class ReduceOp : uint8_t {
  kSum = 0,
  kMin = 1,
  kMax = 2,
  kProd = 3,
  kAvg = 4,
};
inline constexpr ReduceOp kAllReduceOps[] = {ReduceOp::kSum, ReduceOp::kMin, ReduceOp::kMax,
                                             ReduceOp::kProd, ReduceOp::kAvg};

// Whether the value is one of the enumerators: types come from C callers and from shared memory.
[[nodiscard]] constexpr bool IsValid(DataType type) { return type <= DataType::kFloat16; }
[[nodiscard]] constexpr bool IsValid(ReduceOp op) { return op <= ReduceOp::kAvg; }

// Bytes of one element. REQUIRES: IsValid(type).
[[nodiscard]] size_t ElementBytes(DataType type);

// "float32", "sum"; "invalid" for anything else.
[[nodiscard]] std::string_view DataTypeName(DataType type);
[[nodiscard]] std::string_view ReduceOpName(ReduceOp op);

// The DataType of a C++ type; an error at compile time for a type that has none.
template <typename T>
struct DataTypeOf;
template <>
struct DataTypeOf<float> {
  static constexpr DataType kValue = DataType::kFloat32;
};
template <>
struct DataTypeOf<double> {
  static constexpr DataType kValue = DataType::kFloat64;
};
template <>
struct DataTypeOf<int32_t> {
  static constexpr DataType kValue = DataType::kInt32;
};
template <>
struct DataTypeOf<int64_t> {
  static constexpr DataType kValue = DataType::kInt64;
};
template <>
struct DataTypeOf<Bfloat16> {
  static constexpr DataType kValue = DataType::kBfloat16;
};
template <>
struct DataTypeOf<Float16> {
  static constexpr DataType kValue = DataType::kFloat16;
};
template <typename T>
inline constexpr DataType kDataTypeOf = DataTypeOf<T>::kValue;

}  // namespace flexmig::reduce
