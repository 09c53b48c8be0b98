#pragma once

#include <string>

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"

#include "options.h"

namespace flexmig::nccl_perf {

// What one rank does: opens the device and every library, measures with the libraries in turn, and,
// on rank 0, prints tables as nccl-tests does. `host` joins the ranks for everything that is not
// measured. Returns how many elements were wrong on all ranks.
// Errors: those of the driver, the libraries and `host`.
Result<size_t> RunRank(const Options& options, coll::Communicator& host);

}  // namespace flexmig::nccl_perf
