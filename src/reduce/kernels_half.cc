#include "kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels_half.cc"
#include <hwy/foreach_target.h>

#include "codec_inl.h"

HWY_BEFORE_NAMESPACE();
namespace flexmig::reduce::HWY_NAMESPACE {

Kernel FindHalfKernel(DataType type, ReduceOp op) {
  if (type == DataType::kBfloat16) return KernelOf<Bfloat16Codec>(op);
  if (type == DataType::kFloat16) return KernelOf<Float16Codec>(op);
  return nullptr;
}

}  // namespace flexmig::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flexmig::reduce {

FLEXMIG_REDUCE_EXPORT(kHalfKernels, FindHalfKernel);

}  // namespace flexmig::reduce
#endif
