#pragma once

#include <cstddef>
#include <span>

#include "flexmig/reduce/types.h"

namespace flexmig::reduce {

// out[i] = inputs[0][i] op inputs[1][i] op ... for i < count, from left to right.
//
// The bits of out[i] depend only on the bits of inputs[*][i]: not on count, alignment, on where i
// lies in the call, or on the instructions that the processor has. So a vector reduced in pieces
// equals the vector reduced at once, on every machine.
// - Half and eight-bit floating types are widened to float, combined in float and rounded to
//   nearest even once, at the end (float8.h: those of eight bits saturate).
// - kAvg is the sum divided by inputs.size(). For integers the division truncates towards zero.
// - kPreMulSum is the sum of scalars[r] * inputs[r][i]; product and sum are rounded each. Without
//   scalars all factors are one.
// - Integers wrap around, in kAvg's sum and kPreMulSum's products too.
// - kMin and kMax of floating point are NaN if any input is, and the first of equal values (zeros
//   of different sign are equal).
// - Every NaN in the result is the same one: quiet, positive, no payload.
// A process that flushes subnormals to zero (FTZ, DAZ) gets what its mode makes of float32, float64
// and bfloat16. Sums, minima, maxima and averages of the other floating types do not depend on it.
//
// `out` may be one of the inputs, but must not overlap one otherwise. Any alignment is allowed;
// 64 bytes is fastest. Null pointers are allowed where count is 0. Never allocates, never fails.
// One pass over memory: each input is read once, `out` is written once.
// REQUIRES: !inputs.empty(), IsValid(type), IsValid(op), scalars.size() is 0 or inputs.size() for
// kPreMulSum; scalars are not looked at for other ops.
void ReduceInputs(DataType type, ReduceOp op, std::span<const void* const> inputs, void* out,
                  size_t count, std::span<const Scalar> scalars = {});

// ReduceInputs, and the result to every one of `outs`, in blocks that stay in the first-level
// cache. Each of `outs` may be one of the inputs; otherwise no two buffers overlap.
// REQUIRES: what ReduceInputs does, !outs.empty().
void ReduceInputsToAll(DataType type, ReduceOp op, std::span<const void* const> inputs,
                       std::span<void* const> outs, size_t count,
                       std::span<const Scalar> scalars = {});

// The fastest copy (reduce.cc says what was measured). Does nothing if `to` equals `from`
// or `bytes` is 0 (then the pointers may be null). REQUIRES: no other overlap.
void CopyBytes(void* to, const void* from, size_t bytes);

}  // namespace flexmig::reduce
