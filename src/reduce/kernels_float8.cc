#include "kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels_float8.cc"
#include <hwy/foreach_target.h>

#include "codec_inl.h"

HWY_BEFORE_NAMESPACE();
namespace flexmig::reduce::HWY_NAMESPACE {

Kernel FindFloat8Kernel(DataType type, ReduceOp op) {
  if (type == DataType::kFloat8E4m3) return KernelOf<Float8E4m3Codec>(op);
  if (type == DataType::kFloat8E5m2) return KernelOf<Float8E5m2Codec>(op);
  return nullptr;
}

}  // namespace flexmig::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flexmig::reduce {

FLEXMIG_REDUCE_EXPORT(kFloat8Kernels, FindFloat8Kernel);

}  // namespace flexmig::reduce
#endif
