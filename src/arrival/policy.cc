#include "flexmig/arrival/policy.h"

#include "flexmig/base/strings.h"

#include "policies.h"

namespace flexmig::arrival {

int NodePolicy::ChooseGpu(const NodeState& node, const PodDemand& demand,
                          SplitMix64& /*random*/) const {
  int best = -1;
  for (int gpu = 0; gpu < node.gpu_count; ++gpu) {
    const int left = node.gpu_milli[static_cast<size_t>(gpu)];
    if (left < demand.gpu_milli) continue;
    if (best < 0 || left < node.gpu_milli[static_cast<size_t>(best)]) best = gpu;
  }
  return best;
}

std::vector<std::string_view> PolicyNames() {
  return {"random", "dot-product", "clustering", "packing", "best-fit", "fgd"};
}

Result<std::unique_ptr<NodePolicy>> MakePolicy(std::string_view name, const Setting& setting,
                                               const Fragmentation& fragmentation) {
  if (name == "random") return MakeRandom();
  if (name == "dot-product") return MakeDotProduct(setting);
  if (name == "clustering") return MakeClustering(setting);
  if (name == "packing") return MakePacking();
  if (name == "best-fit") return MakeBestFit(setting);
  if (name == "fgd") return MakeFgd(fragmentation);
  std::vector<std::string> names;
  for (const std::string_view known : PolicyNames()) names.emplace_back(known);
  return NotFoundError(StrCat("no arrival policy '", name, "'; there are ", StrJoin(names, ", ")));
}

}  // namespace flexmig::arrival
