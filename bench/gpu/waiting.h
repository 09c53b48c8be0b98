#pragma once

#include <chrono>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"

namespace flexmig::nccl_perf {

// No measured piece of work takes that long, unless it hangs.
inline constexpr std::chrono::seconds kPatience{60};

// Waits, without sleeping, until everything in the stream is done, `event` being free for it.
// Errors: kDeadlineExceeded after kPatience; those of the driver.
Status WaitForStream(const cuda::Driver& driver, cuda::Stream stream, cuda::Event event);

}  // namespace flexmig::nccl_perf
