// The loop that all kernels share.
// Included once per target, see hwy/foreach_target.h; hence no #pragma once.

#if defined(FLEXMIG_REDUCE_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef FLEXMIG_REDUCE_KERNEL_INL_H
#undef FLEXMIG_REDUCE_KERNEL_INL_H
#else
#define FLEXMIG_REDUCE_KERNEL_INL_H
#endif

#include <limits>

#include "kernel.h"
#include "op_inl.h"

HWY_BEFORE_NAMESPACE();
namespace flexmig::reduce::HWY_NAMESPACE {

// The accumulators of one loaded vector: wider elements need several.
template <class V, size_t kParts>
struct Parts;
template <class V>
struct Parts<V, 1> {
  V a;
};
template <class V>
struct Parts<V, 2> {
  V a, b;
};
template <class V>
struct Parts<V, 4> {
  V a, b, c, d;
};

// A codec says how the elements of a type are stored and in what they are combined:
//   Element, D (tag of the accumulators), kBytes (loaded at once), kParts,
//   Load and Store between memory and Parts, Widen of a loaded vector (where a vector holds more
//   than one element), Broadcast of a Scalar to an accumulator.
// This one is for types that are combined as they are.
template <typename T>
struct PlainCodec {
  using Element = T;
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  static constexpr size_t kParts = 1;
  static constexpr size_t kBytes = hn::MaxLanes(D()) * sizeof(T);

  static HWY_INLINE Parts<V, 1> Load(const std::byte* from) { return {LoadBytes(D(), from)}; }
#if HWY_TARGET != HWY_SCALAR
  static HWY_INLINE Parts<V, 1> Widen(ByteVector bytes) { return {hn::BitCast(D(), bytes)}; }
#endif
  static HWY_INLINE void Store(Parts<V, 1> result, std::byte* to) {
    if constexpr (std::is_floating_point_v<T>) {
      // One NaN, because which operand's payload survives depends on the instruction.
      const V nan = hn::Set(D(), std::numeric_limits<T>::quiet_NaN());
      result.a = hn::IfThenElse(hn::IsNaN(result.a), nan, result.a);
    }
    StoreBytes(D(), result.a, to);
  }
  static HWY_INLINE V Broadcast(const Scalar* scalar) {
    T value;
    std::memcpy(&value, scalar->bytes, sizeof value);
    return hn::Set(D(), value);
  }
};

// Operations on all parts.
template <class Op, class V>
HWY_INLINE Parts<V, 1> Combine(const Op& op, Parts<V, 1> x, Parts<V, 1> y) {
  return {op.Combine(x.a, y.a)};
}
template <class Op, class V>
HWY_INLINE Parts<V, 2> Combine(const Op& op, Parts<V, 2> x, Parts<V, 2> y) {
  return {op.Combine(x.a, y.a), op.Combine(x.b, y.b)};
}
template <class Op, class V>
HWY_INLINE Parts<V, 4> Combine(const Op& op, Parts<V, 4> x, Parts<V, 4> y) {
  return {op.Combine(x.a, y.a), op.Combine(x.b, y.b), op.Combine(x.c, y.c), op.Combine(x.d, y.d)};
}
template <class Op, class V>
HWY_INLINE Parts<V, 1> Finish(const Op& op, Parts<V, 1> x) {
  return {op.Finish(x.a)};
}
template <class Op, class V>
HWY_INLINE Parts<V, 2> Finish(const Op& op, Parts<V, 2> x) {
  return {op.Finish(x.a), op.Finish(x.b)};
}
template <class Op, class V>
HWY_INLINE Parts<V, 4> Finish(const Op& op, Parts<V, 4> x) {
  return {op.Finish(x.a), op.Finish(x.b), op.Finish(x.c), op.Finish(x.d)};
}

// kVectors loaded vectors with their accumulators, in registers: recursion instead of an array,
// which GCC leaves in memory.
template <class Codec, size_t kVectors>
struct Tile {
  Parts<hn::Vec<typename Codec::D>, Codec::kParts> head;
  Tile<Codec, kVectors - 1> rest;

  template <class Op>
  static HWY_INLINE Tile Load(const std::byte* from, hn::Vec<typename Codec::D> factor) {
    return {Scaled<Op>(Codec::Load(from), factor),
            Tile<Codec, kVectors - 1>::template Load<Op>(from + Codec::kBytes, factor)};
  }
#if HWY_TARGET != HWY_SCALAR
  // Of one vector.
  template <class Op>
  static HWY_INLINE Tile LoadFew(const std::byte* from, size_t bytes,
                                 hn::Vec<typename Codec::D> factor) {
    static_assert(kVectors == 1);
    return {Scaled<Op>(Codec::Widen(HWY_NAMESPACE::LoadFew(from, bytes)), factor), {}};
  }
#endif
  template <class Op>
  static HWY_INLINE Parts<hn::Vec<typename Codec::D>, Codec::kParts> Scaled(
      Parts<hn::Vec<typename Codec::D>, Codec::kParts> parts, hn::Vec<typename Codec::D> factor) {
    if constexpr (!Op::kScaled) return parts;
    return Combine(Prod<typename Codec::D>(0), parts, Repeat(factor));
  }
  static HWY_INLINE Parts<hn::Vec<typename Codec::D>, Codec::kParts> Repeat(
      hn::Vec<typename Codec::D> v) {
    if constexpr (Codec::kParts == 1) {
      return {v};
    } else if constexpr (Codec::kParts == 2) {
      return {v, v};
    } else {
      return {v, v, v, v};
    }
  }
  template <class Op>
  HWY_INLINE Tile With(const Op& op, const Tile& next) const {
    return {Combine(op, head, next.head), rest.With(op, next.rest)};
  }
  template <class Op>
  HWY_INLINE void FinishAndStore(const Op& op, std::byte* to) const {
    Codec::Store(Finish(op, head), to);
    rest.FinishAndStore(op, to + Codec::kBytes);
  }
};
template <class Codec>
struct Tile<Codec, 0> {
  template <class Op>
  static HWY_INLINE Tile Load(const std::byte*, hn::Vec<typename Codec::D>) {
    return {};
  }
  template <class Op>
  HWY_INLINE Tile With(const Op&, const Tile&) const {
    return {};
  }
  template <class Op>
  HWY_INLINE void FinishAndStore(const Op&, std::byte*) const {}
};

// Where the inputs are. kInputs is their number where the compiler knows it: then the addresses
// stay in registers, else (0) they are read again for each tile.
template <size_t kInputs>
struct Sources {
  const std::byte* from[kInputs];
  HWY_INLINE Sources(const void* const* inputs, size_t, size_t offset) {
    for (size_t r = 0; r < kInputs; ++r) {
      from[r] = static_cast<const std::byte*>(inputs[r]) + offset;
    }
  }
  HWY_INLINE size_t Count() const { return kInputs; }
  HWY_INLINE const std::byte* At(size_t input, size_t at) const { return from[input] + at; }
};
template <>
struct Sources<0> {
  const void* const* inputs;
  size_t count;
  size_t offset;
  HWY_INLINE Sources(const void* const* inputs_in, size_t count_in, size_t offset_in)
      : inputs(inputs_in), count(count_in), offset(offset_in) {}
  HWY_INLINE size_t Count() const { return count; }
  HWY_INLINE const std::byte* At(size_t input, size_t at) const {
    return static_cast<const std::byte*>(inputs[input]) + offset + at;
  }
};

// What the reduction of one call consists of.
template <class Codec, template <class> class OpOf, size_t kInputs>
struct Reduction {
  using Op = OpOf<typename Codec::D>;
  Sources<kInputs> sources;
  const Scalar* scalars;
  Op op;

  HWY_INLINE hn::Vec<typename Codec::D> Factor(size_t input) const {
    if constexpr (Op::kScaled) return Codec::Broadcast(scalars + input);
    return hn::Zero(typename Codec::D());
  }

  // The tile that begins `at` bytes into the inputs, before Finish.
  template <size_t kVectors>
  HWY_INLINE Tile<Codec, kVectors> At(size_t at) const {
    using Vectors = Tile<Codec, kVectors>;
    Vectors tile = Vectors::template Load<Op>(sources.At(0, at), Factor(0));
    for (size_t input = 1; input < sources.Count(); ++input) {
      tile = tile.With(op, Vectors::template Load<Op>(sources.At(input, at), Factor(input)));
    }
    return tile;
  }

#if HWY_TARGET != HWY_SCALAR
  // The same for a call of less than a vector.
  HWY_INLINE Tile<Codec, 1> Few(size_t bytes) const {
    using Vector = Tile<Codec, 1>;
    Vector tile = Vector::template LoadFew<Op>(sources.At(0, 0), bytes, Factor(0));
    for (size_t input = 1; input < sources.Count(); ++input) {
      tile =
          tile.With(op, Vector::template LoadFew<Op>(sources.At(input, 0), bytes, Factor(input)));
    }
    return tile;
  }
#endif
};

// Where the loop begins, so that its stores do not straddle cache lines: what malloc returns is
// aligned to 16 bytes only, and then every store of 64 would. Inputs are often misaligned alike.
template <class Codec>
HWY_INLINE size_t AlignedBegin(const std::byte* out, size_t bytes) {
  constexpr size_t kWorthwhile = 8;  // vectors
  const size_t misalignment = reinterpret_cast<uintptr_t>(out) % Codec::kBytes;
  const bool can = misalignment % sizeof(typename Codec::Element) == 0;
  if (misalignment == 0 || !can || bytes < kWorthwhile * Codec::kBytes) return 0;
  return Codec::kBytes - misalignment;
}

template <class Codec, template <class> class OpOf, size_t kInputs>
HWY_NOINLINE void ReduceSome(const void* const* inputs, size_t input_count, size_t offset,
                             std::byte* out, size_t bytes, const Scalar* scalars) {
  using Op = OpOf<typename Codec::D>;
  const Reduction<Codec, OpOf, kInputs> reduction{Sources<kInputs>(inputs, input_count, offset),
                                                  scalars, Op(input_count)};
#if HWY_TARGET != HWY_SCALAR
  if (bytes < Codec::kBytes) {
    alignas(64) std::byte piece[Codec::kBytes];
    reduction.Few(bytes).FinishAndStore(reduction.op, piece);
    CopyFew(out, piece, bytes);
    return;
  }
#endif
  // Four accumulators: enough to hide an addition's latency of 4 cycles, few enough for the 16
  // registers of AVX2.
  constexpr size_t kVectors = 4 / Codec::kParts;
  // The first and the last vector may overlap their neighbours. They are computed before anything
  // is stored, because `out` may be an input, and stored last, over the same bits.
  const size_t last = bytes - Codec::kBytes;
  Tile<Codec, 1> edges[2];  // by a loop, because it halves the code
  for (size_t i = 0; i < 2; ++i) edges[i] = reduction.template At<1>(i * last);
  size_t at = AlignedBegin<Codec>(out, bytes);
  const bool skipped = at != 0;
  for (; at + kVectors * Codec::kBytes <= bytes; at += kVectors * Codec::kBytes) {
    reduction.template At<kVectors>(at).FinishAndStore(reduction.op, out + at);
  }
  for (; kVectors > 1 && at < last; at += Codec::kBytes) {
    reduction.template At<1>(at).FinishAndStore(reduction.op, out + at);
  }
  if (skipped) edges[0].FinishAndStore(reduction.op, out);
  edges[1].FinishAndStore(reduction.op, out + last);
}

template <class Codec, template <class> class OpOf>
void Reduce(const void* const* inputs, size_t input_count, size_t offset, void* out, size_t count,
            const Scalar* scalars) {
  if (count == 0) return;
  const size_t bytes = count * sizeof(typename Codec::Element);
  auto* run = ReduceSome<Codec, OpOf, 0>;
#if HWY_TARGET != HWY_SCALAR
  // The most frequent case, and the only one that gains from a loop of its own.
  if (input_count == 2) run = ReduceSome<Codec, OpOf, 2>;
#endif
  run(inputs, input_count, offset, static_cast<std::byte*>(out), bytes, scalars);
}

template <class Codec>
Kernel KernelOf(ReduceOp op) {
  switch (op) {
    case ReduceOp::kSum: return Reduce<Codec, Sum>;
    case ReduceOp::kMin: return Reduce<Codec, Min>;
    case ReduceOp::kMax: return Reduce<Codec, Max>;
    case ReduceOp::kProd: return Reduce<Codec, Prod>;
    case ReduceOp::kAvg: return Reduce<Codec, Avg>;
    case ReduceOp::kPreMulSum: return Reduce<Codec, PreMulSum>;
  }
  return nullptr;
}

// For signed integers, whose sums and products have the bits of unsigned ones.
template <class Codec, class UnsignedCodec>
Kernel SignedKernelOf(ReduceOp op) {
  const bool differs = op == ReduceOp::kMin || op == ReduceOp::kMax || op == ReduceOp::kAvg;
  return differs ? KernelOf<Codec>(op) : KernelOf<UnsignedCodec>(op);
}

}  // namespace flexmig::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
