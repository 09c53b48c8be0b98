#pragma once

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/cuda/driver.h"

namespace flexmig::nccl_perf {

// What the link between GPU and host carries when all ranks copy at one time, in 10^9 bytes/s,
// summed over the ranks: the limit of everything that goes through host memory.
struct LinkLimit {
  double up = 0;          // to the host, nothing the other way
  double down = 0;        // to the GPU, nothing the other way
  double up_of_both = 0;  // while both directions are busy
  double down_of_both = 0;
};

// Copies of `bytes` between device memory and pinned host memory, each for about 0.1 s. All ranks
// call it. Errors: those of the driver and of `host`.
Result<LinkLimit> MeasureLink(const cuda::Driver& driver, coll::Communicator& host, size_t bytes);

}  // namespace flexmig::nccl_perf
