#pragma once

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/cuda/driver.h"

#include "nccl_library.h"

namespace flexmig::nccl_perf {

// How long work takes alone and beside other work, in milliseconds, on the slowest rank.
struct BusyResult {
  int calls = 0;  // all-reduces beside the kernel
  double kernel_alone_ms = 0;
  double kernel_beside_ms = 0;
  double calls_alone_ms = 0;
  double calls_beside_ms = 0;
};

// Runs a kernel that keeps every SM computing on one stream, and all-reduces of `bytes` on another
// one, first alone and then together, on all ranks at a time. A collective that takes SMs makes the
// kernel slower. Medians of five. Errors: those of the driver, the library and `host`;
// kUnimplemented if the driver takes no PTX.
Result<BusyResult> MeasureBusy(const cuda::Driver& driver, coll::Communicator& host,
                               const NcclLibrary& library, size_t bytes);

}  // namespace flexmig::nccl_perf
