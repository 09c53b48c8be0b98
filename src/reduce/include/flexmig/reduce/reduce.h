#pragma once

#include <cstddef>
#include <span>

#include "flexmig/reduce/types.h"

namespace flexmig::reduce {

// out[i] = inputs[0][i] op inputs[1][i] op ... for i < count, from left to right.
//
// The bits of out[i] depend only on the bits of inputs[*][i]: not on count, alignment, or on where
// i lies in the call. So a vector reduced in pieces equals the vector reduced at once.
// - Half types are widened to float, combined in float and rounded to nearest even once, at the
// end.
// - kAvg is the sum divided by inputs.size(). For integers the division truncates towards zero.
// - Integers wrap around, in kAvg's sum too.
// - kMin and kMax of floating point are NaN if any input is, and the first of equal values (zeros
//   of different sign are equal).
// - Every NaN in the result is the same one: quiet, positive, no payload.
//
// `out` may be one of the inputs, but must not overlap one otherwise. Any alignment is allowed.
// Never allocates, never fails. REQUIRES: !inputs.empty(), IsValid(type), IsValid(op).
void ReduceInputs(DataType type, ReduceOp op, std::span<const void* const> inputs, void* out,
                  size_t count);

}  // namespace flexmig::reduce
