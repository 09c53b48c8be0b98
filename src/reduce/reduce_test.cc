#include "flexmig/reduce/reduce.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/reduce/reference.h"

namespace flexmig::reduce {
namespace {

// Bytes of one vector that starts `misalignment` bytes behind an aligned address, with guard bytes
// on both sides.
class Buffer {
 public:
  Buffer(size_t bytes, size_t misalignment)
      : storage_(bytes + misalignment + 2 * kGuard, kGuardByte), begin_(kGuard + misalignment) {}
  std::byte* data() { return storage_.data() + begin_; }
  [[nodiscard]] bool GuardsIntact(size_t bytes) const {
    for (size_t i = 0; i < storage_.size(); ++i) {
      const bool inside = i >= begin_ && i < begin_ + bytes;
      if (!inside && storage_[i] != kGuardByte) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 64;
  static constexpr std::byte kGuardByte{0xa5};
  std::vector<std::byte> storage_;
  size_t begin_;
};

// Any bit pattern at all: infinities, NaN with payloads, subnormals, overflowing integers.
void FillRandomBits(SplitMix64& random, std::byte* to, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) to[i] = static_cast<std::byte>(random.Next() >> 56);
}

std::string Where(DataType type, ReduceOp op, size_t inputs, size_t count) {
  return StrCat(DataTypeName(type), " ", ReduceOpName(op), " of ", inputs, " inputs, count ",
                count);
}

class ReduceTest : public testing::TestWithParam<std::tuple<DataType, ReduceOp>> {
 protected:
  DataType type() const { return std::get<0>(GetParam()); }
  ReduceOp op() const { return std::get<1>(GetParam()); }
};

// Lengths around nothing, vector widths and the block of 512; misalignments by bytes, not elements.
TEST_P(ReduceTest, EveryLengthAndMisalignmentMatchesTheReference) {
  std::vector<size_t> counts;
  for (size_t count = 0; count <= 67; ++count) counts.push_back(count);
  for (const size_t count : {511u, 512u, 513u, 1024u, 1300u}) counts.push_back(count);
  SplitMix64 random(1);
  for (const size_t inputs : {1u, 2u, 3u, 4u, 7u}) {
    for (const size_t count : counts) {
      const size_t bytes = count * ElementBytes(type());
      std::vector<Buffer> buffers;
      std::vector<const void*> pointers;
      for (size_t input = 0; input < inputs; ++input) {
        buffers.emplace_back(bytes, (count + 3 * input) % 16);
      }
      for (Buffer& buffer : buffers) {
        FillRandomBits(random, buffer.data(), bytes);
        pointers.push_back(buffer.data());
      }
      Buffer out(bytes, count * 5 % 16);
      std::vector<std::byte> expected(bytes);
      ReduceInputs(type(), op(), pointers, out.data(), count);
      ReduceInputsReference(type(), op(), pointers, expected.data(), count);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out.data()))
          << Where(type(), op(), inputs, count);
      ASSERT_TRUE(out.GuardsIntact(bytes)) << Where(type(), op(), inputs, count);
    }
  }
}

TEST_P(ReduceTest, OutputMayBeAnyOneOfTheInputs) {
  constexpr size_t kCount = 1500;
  constexpr size_t kInputs = 3;
  const size_t bytes = kCount * ElementBytes(type());
  for (size_t in_place = 0; in_place < kInputs; ++in_place) {
    SplitMix64 random(2);
    std::vector<std::vector<std::byte>> inputs(kInputs, std::vector<std::byte>(bytes));
    std::vector<const void*> pointers;
    for (auto& input : inputs) {
      FillRandomBits(random, input.data(), bytes);
      pointers.push_back(input.data());
    }
    std::vector<std::byte> expected(bytes);
    ReduceInputsReference(type(), op(), pointers, expected.data(), kCount);
    ReduceInputs(type(), op(), pointers, inputs[in_place].data(), kCount);
    EXPECT_EQ(inputs[in_place], expected) << "in place of input " << in_place;
  }
}

TEST_P(ReduceTest, PiecesEqualTheWhole) {
  constexpr size_t kCount = 700;
  const size_t element = ElementBytes(type());
  SplitMix64 random(3);
  std::vector<std::vector<std::byte>> inputs(4, std::vector<std::byte>(kCount * element));
  for (auto& input : inputs) FillRandomBits(random, input.data(), input.size());
  const auto reduce = [&](size_t begin, size_t count, std::byte* out) {
    std::vector<const void*> pointers;
    pointers.reserve(inputs.size());
    for (const auto& input : inputs) pointers.push_back(input.data() + begin * element);
    ReduceInputs(type(), op(), pointers, out + begin * element, count);
  };
  std::vector<std::byte> whole(kCount * element);
  std::vector<std::byte> pieces(kCount * element);
  reduce(0, kCount, whole.data());
  for (size_t begin = 0, piece = 1; begin < kCount; begin += piece, piece = piece * 2 + 1) {
    reduce(begin, std::min(piece, kCount - begin), pieces.data());
  }
  EXPECT_EQ(pieces, whole);
}

INSTANTIATE_TEST_SUITE_P(AllTypesAndOps, ReduceTest,
                         testing::Combine(testing::ValuesIn(kAllDataTypes),
                                          testing::ValuesIn(kAllReduceOps)),
                         [](const auto& instance) {
                           return StrCat(DataTypeName(std::get<0>(instance.param)), "_",
                                         ReduceOpName(std::get<1>(instance.param)));
                         });

template <typename T>
T ReduceScalars(ReduceOp op, std::vector<T> values) {
  std::vector<const void*> pointers;
  pointers.reserve(values.size());
  for (const T& value : values) pointers.push_back(&value);
  T out{};
  ReduceInputs(kDataTypeOf<T>, op, pointers, &out, 1);
  return out;
}

TEST(ReduceValuesTest, IntegerAverageTruncatesTowardsZero) {
  EXPECT_EQ(ReduceScalars<int32_t>(ReduceOp::kAvg, {7, 0}), 3);
  EXPECT_EQ(ReduceScalars<int32_t>(ReduceOp::kAvg, {-7, 0}), -3);
  EXPECT_EQ(ReduceScalars<int64_t>(ReduceOp::kAvg, {-1, -1, 0}), 0);
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

TEST(TypesTest, NamesAndSizesCoverEveryEnumerator) {
  size_t total = 0;
  for (const DataType type : kAllDataTypes) {
    EXPECT_TRUE(IsValid(type));
    EXPECT_NE(DataTypeName(type), "invalid");
    total += ElementBytes(type);
  }
  EXPECT_EQ(total, 28u);
  for (const ReduceOp op : kAllReduceOps) {
    EXPECT_TRUE(IsValid(op));
    EXPECT_NE(ReduceOpName(op), "invalid");
  }
  EXPECT_FALSE(IsValid(static_cast<DataType>(6)));
  EXPECT_FALSE(IsValid(static_cast<ReduceOp>(5)));
  EXPECT_EQ(DataTypeName(static_cast<DataType>(200)), "invalid");
}

}  // namespace
}  // namespace flexmig::reduce
