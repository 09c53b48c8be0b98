#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flexmig::cuda_sim {

// The kernels of PTX text: what stands behind ".visible .entry".
struct KernelModule {
  std::vector<std::string> entries;
};
// nullptr for text that is no PTX: the directives .version and .target are missing.
std::shared_ptr<KernelModule> ParsePtx(std::string_view text);

}  // namespace flexmig::cuda_sim
