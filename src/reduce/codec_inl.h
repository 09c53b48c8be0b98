// Codecs of the types that are combined in float. Their vectors mirror half.h and float8.h bit by
// bit. Included once per target, see hwy/foreach_target.h.

#if defined(FLEXMIG_REDUCE_CODEC_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef FLEXMIG_REDUCE_CODEC_INL_H
#undef FLEXMIG_REDUCE_CODEC_INL_H
#else
#define FLEXMIG_REDUCE_CODEC_INL_H
#endif

#include "kernel_inl.h"

HWY_BEFORE_NAMESPACE();
namespace flexmig::reduce::HWY_NAMESPACE {

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;

template <typename T>
struct FloatCodec {
  using Element = T;
  using D = FloatTag;
  static HWY_INLINE FloatVector Broadcast(const Scalar* scalar) {
    T value;
    std::memcpy(&value, scalar->bytes, sizeof value);
    return hn::Set(D(), static_cast<float>(value));
  }
};

#if HWY_TARGET == HWY_SCALAR

// One element at a time, by the conversions of half.h and float8.h themselves.
template <typename T>
struct ScalarCodec : FloatCodec<T> {
  static constexpr size_t kParts = 1;
  static constexpr size_t kBytes = sizeof(T);
  static HWY_INLINE Parts<FloatVector, 1> Load(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return {hn::Set(FloatTag(), static_cast<float>(value))};
  }
  static HWY_INLINE void Store(Parts<FloatVector, 1> result, std::byte* to) {
    const float wide = hn::GetLane(result.a);
    const T value(__builtin_isnan(wide) ? std::numeric_limits<float>::quiet_NaN() : wide);
    std::memcpy(to, &value, sizeof value);
  }
};
using Bfloat16Codec = ScalarCodec<Bfloat16>;
using Float16Codec = ScalarCodec<Float16>;
using Float8E4m3Codec = ScalarCodec<Float8E4m3>;
using Float8E5m2Codec = ScalarCodec<Float8E5m2>;

#else

using WordTag = hn::RebindToUnsigned<FloatTag>;
using WordVector = hn::Vec<WordTag>;

HWY_INLINE WordVector Words(uint32_t value) { return hn::Set(WordTag(), value); }
HWY_INLINE WordVector BitsOf(FloatVector value) { return hn::BitCast(WordTag(), value); }
HWY_INLINE FloatVector FloatOf(WordVector bits) { return hn::BitCast(FloatTag(), bits); }

// In each word the lower element is one accumulator's, the upper one the other's: no lane moves.
struct Bfloat16Codec : FloatCodec<Bfloat16> {
  static constexpr size_t kParts = 2;
  static constexpr size_t kBytes = hn::MaxLanes(FloatTag()) * sizeof(float);

  static HWY_INLINE Parts<FloatVector, 2> Load(const std::byte* from) {
    return Widen(LoadBytes(ByteTag(), from));
  }
  static HWY_INLINE Parts<FloatVector, 2> Widen(ByteVector bytes) {
    const WordVector words = hn::BitCast(WordTag(), bytes);
    return {FloatOf(hn::ShiftLeft<16>(words)), FloatOf(hn::And(words, Words(0xffff0000u)))};
  }
  static HWY_INLINE void Store(Parts<FloatVector, 2> result, std::byte* to) {
    const WordVector low = hn::ShiftRight<16>(Rounded(result.a));
    const WordVector high = hn::And(Rounded(result.b), Words(0xffff0000u));
    StoreBytes(WordTag(), hn::Or(low, high), to);
  }

 private:
  // The result is the upper half of each word.
  static HWY_INLINE WordVector Rounded(FloatVector value) {
    const WordVector bits = BitsOf(value);
    const WordVector odd = hn::And(hn::ShiftRight<16>(bits), Words(1));
    const WordVector rounded = hn::Add(hn::Add(bits, Words(0x7fffu)), odd);
    return BitsOf(hn::IfThenElse(hn::IsNaN(value), FloatOf(Words(0x7fc00000u)), FloatOf(rounded)));
  }
};

// By the processor's own conversions, which x86 has from AVX2 on and every 64-bit ARM: they round
// to nearest even, know subnormals and heed neither FTZ nor DAZ on the side of the half type.
struct Float16Codec : FloatCodec<Float16> {
  static constexpr size_t kParts = 2;
  static constexpr size_t kBytes = hn::MaxLanes(FloatTag()) * sizeof(float);

  static HWY_INLINE Parts<FloatVector, 2> Load(const std::byte* from) {
    return {hn::PromoteTo(FloatTag(), LoadBytes(HalfTag(), from)),
            hn::PromoteTo(FloatTag(), LoadBytes(HalfTag(), from + kBytes / 2))};
  }
  static HWY_INLINE Parts<FloatVector, 2> Widen(ByteVector bytes) {
    const auto halves = hn::BitCast(hn::Repartition<hwy::float16_t, FloatTag>(), bytes);
    return {hn::PromoteTo(FloatTag(), hn::LowerHalf(HalfTag(), halves)),
            hn::PromoteTo(FloatTag(), hn::UpperHalf(HalfTag(), halves))};
  }
  static HWY_INLINE void Store(Parts<FloatVector, 2> result, std::byte* to) {
    StoreBytes(HalfTag(), hn::DemoteTo(HalfTag(), Canonical(result.a)), to);
    StoreBytes(HalfTag(), hn::DemoteTo(HalfTag(), Canonical(result.b)), to + kBytes / 2);
  }

 private:
  using HalfTag = hn::Rebind<hwy::float16_t, FloatTag>;
  static HWY_INLINE FloatVector Canonical(FloatVector value) {
    return hn::IfThenElse(hn::IsNaN(value), FloatOf(Words(0x7fc00000u)), value);
  }
};

// Four elements in each word, one for each accumulator. kMantissa is 3 or 2; the rest follows as in
// float8.h.
template <typename T, int kMantissa>
struct Float8Codec : FloatCodec<T> {
  static constexpr size_t kParts = 4;
  static constexpr size_t kBytes = hn::MaxLanes(FloatTag()) * sizeof(float);

  static HWY_INLINE Parts<FloatVector, 4> Load(const std::byte* from) {
    return Widen(LoadBytes(ByteTag(), from));
  }
  static HWY_INLINE Parts<FloatVector, 4> Widen(ByteVector bytes) {
    const WordVector words = hn::BitCast(WordTag(), bytes);
    return {FromTopByte(hn::ShiftLeft<24>(words)), FromTopByte(hn::ShiftLeft<16>(words)),
            FromTopByte(hn::ShiftLeft<8>(words)), FromTopByte(words)};
  }
  static HWY_INLINE void Store(Parts<FloatVector, 4> result, std::byte* to) {
    const WordVector low = hn::Or(ToLowByte(result.a), hn::ShiftLeft<8>(ToLowByte(result.b)));
    const WordVector high = hn::Or(ToLowByte(result.c), hn::ShiftLeft<8>(ToLowByte(result.d)));
    StoreBytes(WordTag(), hn::Or(low, hn::ShiftLeft<16>(high)), to);
  }

 private:
  static constexpr bool kHasInfinity = kMantissa == 2;
  static constexpr int kShift = 23 - kMantissa;
  static constexpr uint32_t kRebias = (kHasInfinity ? 112u : 120u) << 23;
  static constexpr uint32_t kSmallestNormal = kRebias + (1u << 23);
  static constexpr uint32_t kRounder = (kHasInfinity ? 134u : 141u) << 23;
  static constexpr uint32_t kLargest = kHasInfinity ? 0x7bu : 0x7eu;
  static constexpr uint32_t kNan = kHasInfinity ? 0x7eu : 0x7fu;

  // Magnitudes have no sign bit, and signed comparison is the one that AVX2 has.
  static HWY_INLINE hn::Mask<WordTag> Less(WordVector x, WordVector y) {
    const hn::RebindToSigned<WordTag> di;
    return hn::RebindMask(WordTag(), hn::Lt(hn::BitCast(di, x), hn::BitCast(di, y)));
  }

  // Of the element in the uppermost byte of each word.
  static HWY_INLINE FloatVector FromTopByte(WordVector words) {
    const WordVector sign = hn::And(words, Words(0x80000000u));
    const WordVector magnitude = hn::ShiftRight<24 - kShift>(hn::And(words, Words(0x7f000000u)));
    const WordVector normal = hn::Add(magnitude, Words(kRebias));
    const WordVector smallest = Words(kSmallestNormal);
    const FloatVector shifted = FloatOf(hn::Add(magnitude, smallest));
    const WordVector subnormal = BitsOf(hn::Sub(shifted, FloatOf(smallest)));
    const WordVector number = hn::IfThenElse(Less(magnitude, Words(1u << 23)), subnormal, normal);
    // What has the largest exponent (e4m3: and mantissa) gets the largest of float: infinity, NaN.
    const WordVector special = Words(kHasInfinity ? 0x0f7fffffu : 0x07efffffu);
    const WordVector top = hn::IfThenElseZero(Less(special, magnitude), Words(0x7f800000u));
    return FloatOf(hn::Or(hn::Or(number, sign), top));
  }

  // In the lowest byte of each word, the others zero.
  static HWY_INLINE WordVector ToLowByte(FloatVector value) {
    const WordVector bits = BitsOf(value);
    const WordVector sign = hn::And(hn::ShiftRight<24>(bits), Words(0x80));
    const WordVector magnitude = hn::And(bits, Words(0x7fffffffu));
    const WordVector odd = hn::And(hn::ShiftRight<kShift>(magnitude), Words(1));
    const WordVector rebiased = hn::Add(magnitude, Words((1u << (kShift - 1)) - 1 - kRebias));
    const WordVector normal = hn::ShiftRight<kShift>(hn::Add(rebiased, odd));
    const WordVector rounder = Words(kRounder);
    const WordVector shifted = BitsOf(hn::Add(FloatOf(magnitude), FloatOf(rounder)));
    const WordVector number =
        hn::IfThenElse(Less(magnitude, Words(kSmallestNormal)), hn::Sub(shifted, rounder), normal);
    const WordVector result = hn::Or(hn::Min(number, Words(kLargest)), sign);
    return hn::IfThenElse(Less(Words(0x7f800000u), magnitude), Words(kNan), result);
  }
};
using Float8E4m3Codec = Float8Codec<Float8E4m3, 3>;
using Float8E5m2Codec = Float8Codec<Float8E5m2, 2>;

#endif

}  // namespace flexmig::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
