#include "flexmig/reduce/reduce.h"

#include <algorithm>
#include <ostream>
#include <tuple>

#include <gtest/gtest.h>

#include "flexmig/reduce/reference.h"

#include "test_buffer.h"

namespace flexmig::reduce {

// For the names of tests.
void PrintTo(DataType type, std::ostream* out) { *out << DataTypeName(type); }
void PrintTo(ReduceOp op, std::ostream* out) { *out << ReduceOpName(op); }

namespace {

using Bytes = std::vector<std::byte>;

std::vector<const void*> PointersTo(const std::vector<Bytes>& inputs, size_t offset = 0) {
  std::vector<const void*> pointers;
  pointers.reserve(inputs.size());
  for (const Bytes& input : inputs) pointers.push_back(input.data() + offset);
  return pointers;
}

class ReduceTest : public testing::TestWithParam<std::tuple<DataType, ReduceOp>> {
 protected:
  DataType type() const { return std::get<0>(GetParam()); }
  ReduceOp op() const { return std::get<1>(GetParam()); }
  size_t element() const { return ElementBytes(type()); }

  // Half of the tests' vectors are random bits, the others tame where that differs.
  std::vector<Bytes> Inputs(size_t number, size_t count, bool tame = false) {
    std::vector<Bytes> made;
    for (size_t r = 0; r < number; ++r) {
      if (tame && type() == DataType::kFloat32) {
        made.push_back(Numbers<float>(count, r));
      } else if (tame && type() == DataType::kFloat64) {
        made.push_back(Numbers<double>(count, r));
      } else if (tame && type() == DataType::kBfloat16) {
        made.push_back(Numbers<Bfloat16>(count, r));
      } else {
        made.push_back(RandomBits(random_, count * element()));
      }
    }
    return made;
  }
  std::vector<Scalar> Scalars(size_t number) {
    const std::vector<Bytes> bits = Inputs(number, 1, true);
    std::vector<Scalar> made(number);
    for (size_t r = 0; r < number; ++r) {
      std::memset(made[r].bytes, 0x5a,
                  sizeof made[r].bytes);  // what is behind the element is noise
      std::memcpy(made[r].bytes, bits[r].data(), element());
    }
    return made;
  }
  Bytes Reference(const std::vector<Bytes>& inputs, const std::vector<Scalar>& scalars) {
    Bytes expected(inputs[0].size());
    ReduceInputsReference(type(), op(), PointersTo(inputs), expected.data(),
                          expected.size() / element(), scalars);
    return expected;
  }

  SplitMix64 random_{1};
};

// Lengths around nothing, one and two vectors (64 bytes at most) and four (what the loop does at
// once), each with all buffers aligned, aligned to elements, and anyhow.
TEST_P(ReduceTest, EveryLengthAndMisalignmentMatchesTheReferenceOnEveryTarget) {
  std::vector<size_t> counts;
  for (size_t count = 0; count * element() <= 150; ++count) counts.push_back(count);
  for (const size_t bytes : {256u, 512u, 1280u}) {
    for (size_t i = 0; i < 3; ++i) counts.push_back(bytes / element() - 1 + i);
  }
  for (const size_t number : {1u, 2u, 3u, 4u, 7u, 8u}) {
    for (const bool tame : {false, true}) {
      const std::vector<Bytes> inputs = Inputs(number, counts.back(), tame);
      const std::vector<Scalar> scalars = Scalars(number);
      const Bytes expected = Reference(inputs, scalars);
      for (const Target target : RunnableTargets()) {
        const OnTarget on(target);
        for (const size_t count : counts) {
          const size_t bytes = count * element();
          for (const size_t unit : {size_t{0}, element(), size_t{1}}) {
            std::vector<Buffer> buffers;
            std::vector<const void*> pointers;
            buffers.reserve(number);
            for (size_t r = 0; r < number; ++r) {
              Buffer& buffer = buffers.emplace_back(bytes, (count + 3 * r) * unit);
              std::memcpy(buffer.data(), inputs[r].data(), bytes);
              pointers.push_back(buffer.data());
            }
            Buffer out(bytes, count * 5 * unit);
            ReduceInputs(type(), op(), pointers, out.data(), count, scalars);
            ASSERT_EQ(std::memcmp(out.data(), expected.data(), bytes), 0)
                << Where(type(), op(), target, number, count) << ", misaligned by " << unit;
            ASSERT_TRUE(out.GuardsIntact()) << Where(type(), op(), target, number, count);
          }
        }
      }
    }
  }
}

TEST_P(ReduceTest, OutputMayBeAnyOneOfTheInputs) {
  for (const size_t number : {2u, 3u}) {
    for (const size_t count : {5u, 131u, 1500u}) {
      const std::vector<Bytes> inputs = Inputs(number, count);
      const std::vector<Scalar> scalars = Scalars(number);
      const Bytes expected = Reference(inputs, scalars);
      for (const Target target : RunnableTargets()) {
        const OnTarget on(target);
        for (size_t in_place = 0; in_place < number; ++in_place) {
          std::vector<Bytes> buffers = inputs;
          ReduceInputs(type(), op(), PointersTo(buffers), buffers[in_place].data(), count, scalars);
          ASSERT_EQ(buffers[in_place], expected)
              << Where(type(), op(), target, number, count) << ", in place of " << in_place;
        }
      }
    }
  }
}

TEST_P(ReduceTest, PiecesEqualTheWhole) {
  constexpr size_t kCount = 700;
  const std::vector<Bytes> inputs = Inputs(4, kCount);
  const std::vector<Scalar> scalars = Scalars(4);
  Bytes whole(kCount * element());
  Bytes pieces(kCount * element());
  ReduceInputs(type(), op(), PointersTo(inputs), whole.data(), kCount, scalars);
  for (size_t begin = 0, piece = 1; begin < kCount; begin += piece, piece = piece * 2 + 1) {
    const size_t offset = begin * element();
    ReduceInputs(type(), op(), PointersTo(inputs, offset), pieces.data() + offset,
                 std::min(piece, kCount - begin), scalars);
  }
  EXPECT_EQ(pieces, whole);
}

// Blocks are of 8192 bytes: below, at and beyond one, and two and a bit.
TEST_P(ReduceTest, EveryOutputGetsTheResultInPlaceToo) {
  for (const size_t bytes : {8u, 8184u, 8192u, 8200u, 20000u}) {
    const size_t count = bytes / element();
    const std::vector<Bytes> inputs = Inputs(3, count);
    const std::vector<Scalar> scalars = Scalars(3);
    Bytes expected(bytes);
    ReduceInputs(type(), op(), PointersTo(inputs), expected.data(), count, scalars);

    std::vector<Bytes> buffers = inputs;
    Bytes fresh(bytes);
    std::vector<void*> outs = {buffers[2].data(), fresh.data(), buffers[0].data()};
    ReduceInputsToAll(type(), op(), PointersTo(buffers), outs, count, scalars);
    EXPECT_EQ(buffers[0], expected) << bytes;
    EXPECT_EQ(buffers[1], inputs[1]) << bytes;
    EXPECT_EQ(buffers[2], expected) << bytes;
    EXPECT_EQ(fresh, expected) << bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(AllTypesAndOps, ReduceTest,
                         testing::Combine(testing::ValuesIn(kAllDataTypes),
                                          testing::ValuesIn(kAllReduceOps)),
                         [](const auto& instance) {
                           return StrCat(DataTypeName(std::get<0>(instance.param)), "_",
                                         ReduceOpName(std::get<1>(instance.param)));
                         });

}  // namespace
}  // namespace flexmig::reduce
