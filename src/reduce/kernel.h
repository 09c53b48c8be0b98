#pragma once

#include <cstddef>

#include "flexmig/reduce/types.h"

// Between reduce.cc and the kernels; not installed.
namespace flexmig::reduce {

// ReduceInputs for one type and op, in the instructions of one target: `count` elements that begin
// `offset` bytes into each input.
using Kernel = void (*)(const void* const* inputs, size_t input_count, size_t offset, void* out,
                        size_t count, const Scalar* scalars);

// The instruction sets that kernels are compiled for, best first. kBaseline is what the compiler
// may use everywhere: without flags plain x86-64, where Highway works on one element at a time.
enum class Target { kAvx3, kAvx2, kNeon, kBaseline };
inline constexpr size_t kTargets = 4;

// A family of types on one target: its kernel, or null for a type of another family. The tables
// hold null for targets that are not compiled on this architecture.
using FindKernel = Kernel (*)(DataType type, ReduceOp op);
extern const FindKernel kFloatKernels[kTargets];
extern const FindKernel kIntKernels[kTargets];
extern const FindKernel kInt8Kernels[kTargets];
extern const FindKernel kHalfKernels[kTargets];
extern const FindKernel kFloat8Kernels[kTargets];

// Defines such a table from a function that hwy/foreach_target.h compiled for each target.
#define FLEXMIG_REDUCE_EXPORT(TABLE, FUNCTION)                                              \
  const FindKernel TABLE[kTargets] = {HWY_CHOOSE_AVX3(FUNCTION), HWY_CHOOSE_AVX2(FUNCTION), \
                                      HWY_CHOOSE_NEON(FUNCTION), HWY_CHOOSE_FALLBACK(FUNCTION)}

}  // namespace flexmig::reduce
