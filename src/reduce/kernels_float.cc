#include "kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels_float.cc"
#include <hwy/foreach_target.h>

#include "kernel_inl.h"

HWY_BEFORE_NAMESPACE();
namespace flexmig::reduce::HWY_NAMESPACE {

Kernel FindFloatKernel(DataType type, ReduceOp op) {
  if (type == DataType::kFloat32) return KernelOf<PlainCodec<float>>(op);
  if (type == DataType::kFloat64) return KernelOf<PlainCodec<double>>(op);
  return nullptr;
}

}  // namespace flexmig::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flexmig::reduce {

FLEXMIG_REDUCE_EXPORT(kFloatKernels, FindFloatKernel);

}  // namespace flexmig::reduce
#endif
