// Every value of the small types through the kernels of every target.

#include <gtest/gtest.h>

#include "flexmig/reduce/reduce.h"
#include "flexmig/reduce/reference.h"

#include "test_buffer.h"

#if defined(__SSE2__)
#include <pmmintrin.h>
#include <xmmintrin.h>
#endif

namespace flexmig::reduce {
namespace {

// Every value, `partners` times.
template <typename Bits>
std::vector<Bits> EveryValue(size_t partners) {
  constexpr size_t kValues = size_t{1} << (8 * sizeof(Bits));
  std::vector<Bits> made(kValues * partners);
  for (size_t i = 0; i < made.size(); ++i) made[i] = static_cast<Bits>(i % kValues);
  return made;
}

// Beside EveryValue: each partner as often as there are values.
template <typename Bits>
std::vector<Bits> EachAgainst(const std::vector<Bits>& partners) {
  constexpr size_t kValues = size_t{1} << (8 * sizeof(Bits));
  std::vector<Bits> made(kValues * partners.size());
  for (size_t i = 0; i < made.size(); ++i) made[i] = partners[i / kValues];
  return made;
}

template <typename Bits>
void ExpectReferenceOnEveryTarget(DataType type, const std::vector<Bits>& first,
                                  const std::vector<Bits>& second, Bits factor) {
  const size_t count = first.size();
  Scalar scalar{};
  std::memcpy(scalar.bytes, &factor, sizeof factor);
  const Scalar scalars[] = {scalar, scalar};
  std::vector<Bits> expected(count);
  std::vector<Bits> out(count);
  for (const ReduceOp op : kAllReduceOps) {
    for (const bool swapped : {false, true}) {
      const void* inputs[] = {first.data(), second.data()};
      if (swapped) std::swap(inputs[0], inputs[1]);
      ReduceInputsReference(type, op, inputs, expected.data(), count, scalars);
      for (const Target target : RunnableTargets()) {
        const OnTarget on(target);
        ReduceInputs(type, op, inputs, out.data(), count, scalars);
        for (size_t i = 0; i < count; ++i) {
          ASSERT_EQ(out[i], expected[i])
              << Where(type, op, target, 2, count) << " at " << i << std::hex << ": "
              << int{first[i]} << ", " << int{second[i]};
        }
      }
    }
  }
}

// Zero, the smallest and a larger subnormal, one, a number of full mantissa, a NaN with a payload.
TEST(ExhaustiveTest, EveryBfloat16AgainstSixPartners) {
  const std::vector<uint16_t> partners = {0x8000, 0x0001, 0x807f, 0x3f80, 0xc2ff, 0x7f81};
  ExpectReferenceOnEveryTarget<uint16_t>(DataType::kBfloat16, EveryValue<uint16_t>(partners.size()),
                                         EachAgainst(partners), 0x3fa1);
}

TEST(ExhaustiveTest, EveryFloat16AgainstSixPartners) {
  const std::vector<uint16_t> partners = {0x8000, 0x0001, 0x83ff, 0x3c00, 0xd5ff, 0x7c01};
  ExpectReferenceOnEveryTarget<uint16_t>(DataType::kFloat16, EveryValue<uint16_t>(partners.size()),
                                         EachAgainst(partners), 0x3d55);
}

TEST(ExhaustiveTest, EveryPairOfEightBitFloats) {
  for (const DataType type : {DataType::kFloat8E4m3, DataType::kFloat8E5m2}) {
    ExpectReferenceOnEveryTarget<uint8_t>(type, EveryValue<uint8_t>(256),
                                          EachAgainst(EveryValue<uint8_t>(1)), 0x3d);
  }
}

TEST(ExhaustiveTest, EveryPairOfBytes) {
  for (const DataType type : {DataType::kInt8, DataType::kUint8}) {
    ExpectReferenceOnEveryTarget<uint8_t>(type, EveryValue<uint8_t>(256),
                                          EachAgainst(EveryValue<uint8_t>(1)), 0x9d);
  }
}

// One input: nothing but the way to float and back.
TEST(ExhaustiveTest, EveryHalfSurvivesAloneAndNanBecomesTheOne) {
  const std::vector<uint16_t> values = EveryValue<uint16_t>(1);
  std::vector<uint16_t> out(values.size());
  for (const Target target : RunnableTargets()) {
    const OnTarget on(target);
    for (const DataType type : {DataType::kBfloat16, DataType::kFloat16}) {
      const uint16_t infinity = type == DataType::kBfloat16 ? 0x7f80 : 0x7c00;
      const uint16_t nan = type == DataType::kBfloat16 ? 0x7fc0 : 0x7e00;
      const void* const inputs[] = {values.data()};
      ReduceInputs(type, ReduceOp::kSum, inputs, out.data(), values.size());
      for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(out[i], (values[i] & 0x7fff) > infinity ? nan : values[i]) << TargetName(target);
      }
    }
  }
}

#if defined(__SSE2__)
// Frameworks set these modes in threads of theirs.
TEST(ExhaustiveTest, SumsOfSmallFloatsIgnoreFlushingToZero) {
  for (const DataType type : {DataType::kFloat16, DataType::kFloat8E4m3, DataType::kFloat8E5m2}) {
    const std::vector<uint16_t> values = EveryValue<uint16_t>(1);
    const std::vector<uint16_t> others(values.size(), 0x0101);  // subnormal in all three
    const size_t count = values.size() * 2 / ElementBytes(type);
    const void* const inputs[] = {values.data(), others.data()};
    for (const Target target : RunnableTargets()) {
      const OnTarget on(target);
      for (const ReduceOp op : {ReduceOp::kSum, ReduceOp::kMin, ReduceOp::kMax, ReduceOp::kAvg}) {
        std::vector<uint16_t> usual(values.size());
        std::vector<uint16_t> flushing(values.size());
        ReduceInputs(type, op, inputs, usual.data(), count);
        const unsigned mode = _mm_getcsr();
        _mm_setcsr(mode | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON);
        ReduceInputs(type, op, inputs, flushing.data(), count);
        _mm_setcsr(mode);
        EXPECT_EQ(flushing, usual) << Where(type, op, target, 2, count);
      }
    }
  }
}
#endif

}  // namespace
}  // namespace flexmig::reduce
