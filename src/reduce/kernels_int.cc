#include "kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels_int.cc"
#include <hwy/foreach_target.h>

#include "kernel_inl.h"

HWY_BEFORE_NAMESPACE();
namespace flexmig::reduce::HWY_NAMESPACE {

Kernel FindIntKernel(DataType type, ReduceOp op) {
  using Int32 = PlainCodec<int32_t>;
  using Int64 = PlainCodec<int64_t>;
  using Uint32 = PlainCodec<uint32_t>;
  using Uint64 = PlainCodec<uint64_t>;
  if (type == DataType::kInt32) return SignedKernelOf<Int32, Uint32>(op);
  if (type == DataType::kInt64) return SignedKernelOf<Int64, Uint64>(op);
  if (type == DataType::kUint32) return KernelOf<Uint32>(op);
  if (type == DataType::kUint64) return KernelOf<Uint64>(op);
  return nullptr;
}

}  // namespace flexmig::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flexmig::reduce {

FLEXMIG_REDUCE_EXPORT(kIntKernels, FindIntKernel);

}  // namespace flexmig::reduce
#endif
