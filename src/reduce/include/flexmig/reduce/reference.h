#pragma once

#include <cstddef>
#include <span>

#include "flexmig/reduce/types.h"

namespace flexmig::reduce {

// What ReduceInputs promises, element by element in the plainest way, for tests and benchmarks that
// check results. Shares no arithmetic with ReduceInputs; some hundred times slower.
void ReduceInputsReference(DataType type, ReduceOp op, std::span<const void* const> inputs,
                           void* out, size_t count, std::span<const Scalar> scalars = {});

// The conversions of half.h and float8.h by way of exact arithmetic on double. NaN gives the quiet
// NaN without sign or payload. REQUIRES: `type` is a float of 16 or 8 bits.
[[nodiscard]] double ReferenceToDouble(DataType type, uint16_t bits);
[[nodiscard]] uint16_t ReferenceFromDouble(DataType type, double value);

}  // namespace flexmig::reduce
