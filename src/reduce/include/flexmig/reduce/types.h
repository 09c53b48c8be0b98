#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "flexmig/reduce/float8.h"
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
  kInt8 = 6,
  kUint8 = 7,
  kUint32 = 8,
  kUint64 = 9,
  kFloat8E4m3 = 10,
  kFloat8E5m2 = 11,
};
inline constexpr DataType kAllDataTypes[] = {
    DataType::kFloat32,  DataType::kFloat64, DataType::kInt32,      DataType::kInt64,
    DataType::kBfloat16, DataType::kFloat16, DataType::kInt8,       DataType::kUint8,
    DataType::kUint32,   DataType::kUint64,  DataType::kFloat8E4m3, DataType::kFloat8E5m2,
};

// How elements of all ranks become one; reduce.h says exactly. Numbered as DataType is.
enum class ReduceOp : uint8_t {
  kSum = 0,
  kMin = 1,
  kMax = 2,
  kProd = 3,
  kAvg = 4,
  kPreMulSum = 5,
};
inline constexpr ReduceOp kAllReduceOps[] = {ReduceOp::kSum,  ReduceOp::kMin, ReduceOp::kMax,
                                             ReduceOp::kProd, ReduceOp::kAvg, ReduceOp::kPreMulSum};

// Whether the value is one of the enumerators: types come from C callers and from shared memory.
[[nodiscard]] constexpr bool IsValid(DataType type) { return type <= DataType::kFloat8E5m2; }
[[nodiscard]] constexpr bool IsValid(ReduceOp op) { return op <= ReduceOp::kPreMulSum; }

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
template <>
struct DataTypeOf<int8_t> {
  static constexpr DataType kValue = DataType::kInt8;
};
template <>
struct DataTypeOf<uint8_t> {
  static constexpr DataType kValue = DataType::kUint8;
};
template <>
struct DataTypeOf<uint32_t> {
  static constexpr DataType kValue = DataType::kUint32;
};
template <>
struct DataTypeOf<uint64_t> {
  static constexpr DataType kValue = DataType::kUint64;
};
template <>
struct DataTypeOf<Float8E4m3> {
  static constexpr DataType kValue = DataType::kFloat8E4m3;
};
template <>
struct DataTypeOf<Float8E5m2> {
  static constexpr DataType kValue = DataType::kFloat8E5m2;
};
template <typename T>
inline constexpr DataType kDataTypeOf = DataTypeOf<T>::kValue;

// One element of any type, in the first bytes: what kPreMulSum multiplies an input with.
struct Scalar {
  alignas(8) std::byte bytes[8];

  template <typename T>
  [[nodiscard]] static Scalar Of(T value) {
    static_assert(sizeof(T) == sizeof(value) && IsValid(kDataTypeOf<T>));
    Scalar scalar{};
    std::memcpy(scalar.bytes, &value, sizeof value);
    return scalar;
  }
  template <typename T>
  [[nodiscard]] T As() const {
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
};
static_assert(sizeof(Scalar) == 8 && std::is_trivially_copyable_v<Scalar>);

}  // namespace flexmig::reduce
