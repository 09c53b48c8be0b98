#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/reduce/reduce.h"

namespace flexmig::reduce {
namespace {

template <typename T>
T ReduceScalars(ReduceOp op, std::vector<T> values, std::vector<T> factors = {}) {
  std::vector<const void*> pointers;
  pointers.reserve(values.size());
  for (const T& value : values) pointers.push_back(&value);
  std::vector<Scalar> scalars;
  scalars.reserve(factors.size());
  for (const T& factor : factors) scalars.push_back(Scalar::Of(factor));
  T out{};
  ReduceInputs(kDataTypeOf<T>, op, pointers, &out, 1, scalars);
  return out;
}

TEST(ReduceValuesTest, IntegerAverageTruncatesTowardsZero) {
  EXPECT_EQ(ReduceScalars<int32_t>(ReduceOp::kAvg, {7, 0}), 3);
  EXPECT_EQ(ReduceScalars<int32_t>(ReduceOp::kAvg, {-7, 0}), -3);
  EXPECT_EQ(ReduceScalars<int64_t>(ReduceOp::kAvg, {-1, -1, 0}), 0);
  EXPECT_EQ(ReduceScalars<int8_t>(ReduceOp::kAvg, {-7, 0}), -3);
  EXPECT_EQ(ReduceScalars<uint64_t>(ReduceOp::kAvg, {uint64_t{1} << 63, 2, 0}),
            ((uint64_t{1} << 63) + 2) / 3);
}

// The number of inputs may be more than the type can hold.
TEST(ReduceValuesTest, AverageOfManyBytesDividesByTheirNumber) {
  EXPECT_EQ(ReduceScalars(ReduceOp::kAvg, std::vector<int8_t>(300, -1)), 0);  // -300 wraps to -44
  EXPECT_EQ(ReduceScalars(ReduceOp::kAvg, std::vector<int8_t>(128, -1)), -1);
  EXPECT_EQ(ReduceScalars(ReduceOp::kAvg, std::vector<uint8_t>(200, 1)), 1);
}

TEST(ReduceValuesTest, IntegerOverflowWraps) {
  constexpr int32_t kMaximum = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(ReduceScalars<int32_t>(ReduceOp::kSum, {kMaximum, 1}), -kMaximum - 1);
  EXPECT_EQ(ReduceScalars<int32_t>(ReduceOp::kProd, {1 << 30, 8}), 0);
  EXPECT_EQ(ReduceScalars<int64_t>(ReduceOp::kProd, {int64_t{1} << 62, -4}), 0);
}

TEST(ReduceValuesTest, NanWinsMinimumAndMaximumFromEveryPlace) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const ReduceOp op : {ReduceOp::kMin, ReduceOp::kMax}) {
    EXPECT_TRUE(std::isnan(ReduceScalars<float>(op, {nan, 1, 2})));
    EXPECT_TRUE(std::isnan(ReduceScalars<float>(op, {1, nan, 2})));
    EXPECT_TRUE(std::isnan(ReduceScalars<float>(op, {1, 2, nan})));
  }
}

// In bfloat16 each 1 would vanish against 256: only a sum in float, rounded once, sees them all.
TEST(ReduceValuesTest, HalfTypesAreRoundedOnce) {
  EXPECT_EQ(ReduceScalars<Bfloat16>(ReduceOp::kSum, {Bfloat16(256), Bfloat16(1), Bfloat16(1)}),
            Bfloat16(258));
  EXPECT_EQ(ReduceScalars<Float16>(ReduceOp::kSum, {Float16(2048), Float16(1), Float16(1)}),
            Float16(2050));
  EXPECT_EQ(ReduceScalars<Float16>(ReduceOp::kAvg, {Float16(65504), Float16(65504)}),
            Float16(65504));
}

TEST(ReduceValuesTest, CombinesFromTheFirstInputToTheLast) {
  EXPECT_EQ(ReduceScalars<float>(ReduceOp::kSum, {1.0f, 0x1p24f, -0x1p24f}), 0.0f);
  EXPECT_EQ(ReduceScalars<float>(ReduceOp::kSum, {0x1p24f, -0x1p24f, 1.0f}), 1.0f);
}

TEST(ReduceValuesTest, EachInputIsScaledByItsOwnFactor) {
  EXPECT_EQ(ReduceScalars<float>(ReduceOp::kPreMulSum, {1, 2, 3}, {100, 10, 1}), 123.0f);
  EXPECT_EQ(ReduceScalars<float>(ReduceOp::kPreMulSum, {1, 2, 3}), 6.0f);
  EXPECT_EQ(ReduceScalars<int8_t>(ReduceOp::kPreMulSum, {100, 1}, {2, -1}), -57);  // 199 wraps
  EXPECT_EQ(ReduceScalars<Float8E4m3>(ReduceOp::kPreMulSum, {Float8E4m3(3)}, {Float8E4m3(0.5f)}),
            Float8E4m3(1.5f));
}

// 1 + 2^-12 squared is 1 + 2^-11 + 2^-24. Rounded, the last term is gone, and nothing is left.
TEST(ReduceValuesTest, ProductsAreRoundedBeforeTheyAreAdded) {
  const float x = 1 + 0x1p-12f;
  EXPECT_EQ(ReduceScalars<float>(ReduceOp::kPreMulSum, {1 + 0x1p-11f, x}, {-1, x}), 0.0f);
}

TEST(ReduceValuesTest, EightBitFloatsSaturate) {
  EXPECT_EQ(ReduceScalars<Float8E4m3>(ReduceOp::kSum, {Float8E4m3(448), Float8E4m3(448)}),
            Float8E4m3(448));
  EXPECT_EQ(ReduceScalars<Float8E5m2>(ReduceOp::kProd, {Float8E5m2(57344), Float8E5m2(-57344)}),
            Float8E5m2(-57344));
  EXPECT_EQ(ReduceScalars<Float8E4m3>(ReduceOp::kAvg, {Float8E4m3(448), Float8E4m3(448)}),
            Float8E4m3(448));
}

TEST(TypesTest, NamesAndSizesCoverEveryEnumerator) {
  size_t total = 0;
  for (const DataType type : kAllDataTypes) {
    EXPECT_TRUE(IsValid(type));
    EXPECT_NE(DataTypeName(type), "invalid");
    total += ElementBytes(type);
  }
  EXPECT_EQ(total, 44u);
  for (const ReduceOp op : kAllReduceOps) {
    EXPECT_TRUE(IsValid(op));
    EXPECT_NE(ReduceOpName(op), "invalid");
  }
  EXPECT_FALSE(IsValid(static_cast<DataType>(12)));
  EXPECT_FALSE(IsValid(static_cast<ReduceOp>(6)));
  EXPECT_EQ(DataTypeName(static_cast<DataType>(200)), "invalid");
}

}  // namespace
}  // namespace flexmig::reduce
