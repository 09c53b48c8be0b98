#include "kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels_int8.cc"
#include <hwy/foreach_target.h>

#include "kernel_inl.h"

HWY_BEFORE_NAMESPACE();
namespace flexmig::reduce::HWY_NAMESPACE {

Kernel FindInt8Kernel(DataType type, ReduceOp op) {
  if (type == DataType::kInt8) return SignedKernelOf<PlainCodec<int8_t>, PlainCodec<uint8_t>>(op);
  if (type == DataType::kUint8) return KernelOf<PlainCodec<uint8_t>>(op);
  return nullptr;
}

}  // namespace flexmig::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flexmig::reduce {

FLEXMIG_REDUCE_EXPORT(kInt8Kernels, FindInt8Kernel);

}  // namespace flexmig::reduce
#endif
