#pragma once

#include "flexmig/base/status.h"

namespace flexmig::perf {

// CPUs that this process was allowed to use when it first asked (or its parent, before a fork).
[[nodiscard]] int AllowedCpuCount();

// Binds this thread to the allowed CPU number rank % AllowedCpuCount().
Status PinToCpuOf(int rank);

}  // namespace flexmig::perf
