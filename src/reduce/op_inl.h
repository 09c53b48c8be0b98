// The operations on vectors of one type.
// Included once per target, see hwy/foreach_target.h; hence no #pragma once.

#if defined(FLEXMIG_REDUCE_OP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef FLEXMIG_REDUCE_OP_INL_H
#undef FLEXMIG_REDUCE_OP_INL_H
#else
#define FLEXMIG_REDUCE_OP_INL_H
#endif

#include <bit>
#include <type_traits>

#include "bytes_inl.h"

HWY_BEFORE_NAMESPACE();
namespace flexmig::reduce::HWY_NAMESPACE {

// Integers wrap: signed ones are added and multiplied as unsigned ones.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V AddWrapping(D d, V x, V y) {
  if constexpr (std::is_floating_point_v<hn::TFromD<D>>) {
    return hn::Add(x, y);
  } else {
    const hn::RebindToUnsigned<D> du;
    return hn::BitCast(d, hn::Add(hn::BitCast(du, x), hn::BitCast(du, y)));
  }
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V MulWrapping(D d, V x, V y) {
  using T = hn::TFromD<D>;
  if constexpr (std::is_floating_point_v<T>) {
    return hn::Mul(x, y);
  } else {
#if HWY_TARGET == HWY_SCALAR
    const uint64_t product =
        static_cast<uint64_t>(hn::GetLane(x)) * static_cast<uint64_t>(hn::GetLane(y));
    return hn::Set(d, static_cast<T>(product));
#else
    if constexpr (sizeof(T) == 1) {
      // There is no product of bytes. The lower byte of a product of 16-bit lanes is the product of
      // the lower bytes; with the upper byte alone in y, so is the upper one.
      const hn::Repartition<uint16_t, D> d16;
      const auto x16 = hn::BitCast(d16, x);
      const auto y16 = hn::BitCast(d16, y);
      const auto low_byte = hn::Set(d16, uint16_t{0x00ff});
      const auto even = hn::And(hn::Mul(x16, y16), low_byte);
      const auto odd = hn::Mul(hn::ShiftRight<8>(x16), hn::AndNot(low_byte, y16));
      return hn::BitCast(d, hn::Or(even, odd));
    } else {
      const hn::RebindToUnsigned<D> du;
      return hn::BitCast(d, hn::Mul(hn::BitCast(du, x), hn::BitCast(du, y)));
    }
#endif
  }
}

// The operations: Combine of what has been gathered so far with the next element, then Finish.
template <class D>
struct Sum {
  using V = hn::Vec<D>;
  static constexpr bool kScaled = false;
  explicit HWY_INLINE Sum(size_t) {}
  HWY_INLINE V Combine(V sum, V x) const { return AddWrapping(D(), sum, x); }
  HWY_INLINE V Finish(V sum) const { return sum; }
};

template <class D>
struct PreMulSum : Sum<D> {
  static constexpr bool kScaled = true;
  explicit HWY_INLINE PreMulSum(size_t inputs) : Sum<D>(inputs) {}
};

template <class D>
struct Prod {
  using V = hn::Vec<D>;
  static constexpr bool kScaled = false;
  explicit HWY_INLINE Prod(size_t) {}
  HWY_INLINE V Combine(V product, V x) const { return MulWrapping(D(), product, x); }
  HWY_INLINE V Finish(V product) const { return product; }
};

template <class D, bool kMaximum>
struct Extreme {
  using V = hn::Vec<D>;
  static constexpr bool kScaled = false;
  explicit HWY_INLINE Extreme(size_t) {}
  HWY_INLINE V Combine(V best, V x) const {
    if constexpr (std::is_floating_point_v<hn::TFromD<D>>) {
      // Comparisons with NaN are false: a NaN in `best` stays, one in `x` is taken on purpose.
      const auto better = kMaximum ? hn::Lt(best, x) : hn::Lt(x, best);
      return hn::IfThenElse(hn::Or(better, hn::IsNaN(x)), x, best);
    } else {
      return kMaximum ? hn::Max(best, x) : hn::Min(best, x);
    }
  }
  HWY_INLINE V Finish(V best) const { return best; }
};
template <class D>
using Min = Extreme<D, false>;
template <class D>
using Max = Extreme<D, true>;

template <class D>
struct Avg : Sum<D> {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;

  explicit HWY_INLINE Avg(size_t inputs)
      : Sum<D>(inputs), inputs_(inputs), is_power_of_two_(std::has_single_bit(inputs)) {}

  HWY_INLINE V Finish(V sum) const {
    if constexpr (std::is_floating_point_v<T>) {
      // The inverse of a power of two is exact, so the product is rounded as the quotient is. It
      // takes a quarter of the time or less.
      const T divisor = static_cast<T>(inputs_);
      if (is_power_of_two_) return hn::Mul(sum, hn::Set(D(), T{1} / divisor));
      return hn::Div(sum, hn::Set(D(), divisor));
    } else {
      return Truncate(sum);
    }
  }

 private:
  HWY_INLINE V Truncate(V sum) const {
    const D d;
    if constexpr (sizeof(T) > 1) {
      if (is_power_of_two_ && inputs_ <= (size_t{1} << 30)) {
        const int shift = std::countr_zero(inputs_);
        if constexpr (std::is_signed_v<T>) {
          // A shift rounds down; with divisor - 1 added to what is negative it truncates.
          const V bias =
              hn::And(hn::BroadcastSignBit(sum), hn::Set(d, static_cast<T>(inputs_ - 1)));
          return hn::ShiftRightSame(AddWrapping(d, sum, bias), shift);
        } else {
          return hn::ShiftRightSame(sum, shift);
        }
      }
    }
    // No processor divides vectors of integers.
    using Wide = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
    constexpr size_t kLanes = hn::MaxLanes(D());
    T lanes[kLanes];
    std::byte bytes[sizeof lanes];
    StoreBytes(d, sum, bytes);
    std::memcpy(lanes, bytes, sizeof lanes);
    for (T& lane : lanes) {
      lane = static_cast<T>(static_cast<Wide>(lane) / static_cast<Wide>(inputs_));
    }
    std::memcpy(bytes, lanes, sizeof lanes);
    return LoadBytes(d, bytes);
  }

  size_t inputs_;
  bool is_power_of_two_;
};

}  // namespace flexmig::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
