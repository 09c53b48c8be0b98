#pragma once

#include <string_view>
#include <vector>

#include "kernel.h"

// Which target the kernels run on; for reduce.cc and the tests.
namespace flexmig::reduce {

struct KernelTable {
  Kernel kernels[std::size(kAllDataTypes)][std::size(kAllReduceOps)];
};

// The table of the best target that this processor runs, or of the one that a test chose.
const KernelTable& ActiveKernels();

// Compiled and supported by this processor, best first; kBaseline is always the last.
std::vector<Target> RunnableTargets();
std::string_view TargetName(Target target);

// From here on kernels run on `target`. For tests and benchmarks: other threads must not be inside
// ReduceInputs. REQUIRES: one of RunnableTargets().
void UseTarget(Target target);

}  // namespace flexmig::reduce
