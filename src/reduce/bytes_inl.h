// Vectors from and to memory of any alignment, and less than a vector.
// Included once per target, see hwy/foreach_target.h; hence no #pragma once.

#if defined(FLEXMIG_REDUCE_BYTES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef FLEXMIG_REDUCE_BYTES_INL_H
#undef FLEXMIG_REDUCE_BYTES_INL_H
#else
#define FLEXMIG_REDUCE_BYTES_INL_H
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace flexmig::reduce::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Loads and stores go by bytes, since buffers need not be aligned to their elements.
template <class D>
HWY_INLINE hn::Vec<D> LoadBytes(D d, const std::byte* from) {
#if HWY_TARGET == HWY_SCALAR
  hn::TFromD<D> value;
  std::memcpy(&value, from, sizeof value);
  return hn::Set(d, value);
#else
  const hn::Repartition<uint8_t, D> bytes;
  return hn::BitCast(d, hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(from)));
#endif
}

template <class D>
HWY_INLINE void StoreBytes(D d, hn::Vec<D> vector, std::byte* to) {
#if HWY_TARGET == HWY_SCALAR
  static_cast<void>(d);
  const hn::TFromD<D> value = hn::GetLane(vector);
  std::memcpy(to, &value, sizeof value);
#else
  const hn::Repartition<uint8_t, D> bytes;
  hn::StoreU(hn::BitCast(bytes, vector), bytes, reinterpret_cast<uint8_t*>(to));
#endif
}

// The next kPiece bytes, if `bytes` has that bit.
template <size_t kPiece>
HWY_INLINE void CopyPiece(std::byte*& to, const std::byte*& from, size_t bytes) {
  if ((bytes & kPiece) == 0) return;
  std::memcpy(to, from, kPiece);
  to += kPiece;
  from += kPiece;
}

// Fewer than 64 bytes, without a call that would take longer than the copy.
HWY_INLINE void CopyFew(std::byte* to, const std::byte* from, size_t bytes) {
  CopyPiece<32>(to, from, bytes);
  CopyPiece<16>(to, from, bytes);
  CopyPiece<8>(to, from, bytes);
  CopyPiece<4>(to, from, bytes);
  CopyPiece<2>(to, from, bytes);
  CopyPiece<1>(to, from, bytes);
}

#if HWY_TARGET != HWY_SCALAR
using ByteTag = hn::ScalableTag<uint8_t>;
using ByteVector = hn::Vec<ByteTag>;

// The first `bytes` of a vector, of which no more can be read; the rest is zero. Not by way of a
// buffer where that can be avoided: to load as one what was stored in pieces takes 15 cycles more.
HWY_INLINE ByteVector LoadFew(const std::byte* from, size_t bytes) {
#if HWY_TARGET == HWY_AVX3
  const ByteTag d;
  return hn::MaskedLoad(hn::FirstN(d, bytes), d, reinterpret_cast<const uint8_t*>(from));
#elif HWY_TARGET == HWY_AVX2
  // This one has masks for words only.
  const hn::Repartition<int32_t, ByteTag> d;
  const size_t words = bytes / 4;
  const auto whole =
      hn::MaskedLoad(hn::FirstN(d, words), d, reinterpret_cast<const int32_t*>(from));
  if (bytes % 4 == 0) return hn::BitCast(ByteTag(), whole);
  const std::byte* const end = from + words * 4;
  uint32_t rest = 0;
  if (bytes % 2 != 0) rest = static_cast<uint32_t>(end[bytes % 4 - 1]);
  if (bytes % 4 >= 2) {
    uint16_t two;
    std::memcpy(&two, end, sizeof two);
    rest = rest << 16 | two;
  }
  const auto is_last = hn::Eq(hn::Iota(d, 0), hn::Set(d, static_cast<int32_t>(words)));
  return hn::BitCast(ByteTag(),
                     hn::IfThenElse(is_last, hn::Set(d, static_cast<int32_t>(rest)), whole));
#else
  uint8_t piece[hn::MaxLanes(ByteTag())] = {};
  CopyFew(reinterpret_cast<std::byte*>(piece), from, bytes);
  return hn::LoadU(ByteTag(), piece);
#endif
}
#endif

}  // namespace flexmig::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
