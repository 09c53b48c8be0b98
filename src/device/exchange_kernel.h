#pragma once

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"

namespace flexmig::device {

// device_kernels' kernel, loaded into the current context once and kept for the
// communicators that come later. Threading: thread-safe.
// Errors: kUnimplemented if the library was built without it, or the driver cannot compile it.
Result<cuda::Function> LoadExchangeKernel(const cuda::Driver& driver, cuda::Context context);

}  // namespace flexmig::device
