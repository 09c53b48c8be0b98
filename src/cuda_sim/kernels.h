#pragma once

#include <string_view>
#include <vector>

#include "stream.h"

namespace flexmig::cuda_sim {

// A kernel that the simulation can run: a function of the host under the kernel's name.
struct Kernel {
  const char* name;
  std::vector<size_t> sizes;  // of the parameters, 4 or 8 bytes each
  // What a launch does, in a stream of `context`.
  ResultCode (*run)(Context& context, const std::vector<uint64_t>& parameters);
};

// The host's function for a kernel, or nullptr.
const Kernel* FindKernel(std::string_view name);

}  // namespace flexmig::cuda_sim
