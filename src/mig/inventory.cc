#include "flexmig/mig/inventory.h"

#include <algorithm>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::mig {

NodeInventory NodeInventory::Uniform(const GpuModel& model, int gpu_count,
                                     std::span<const PlacedProfile> layout) {
  MigLayout sorted(layout.begin(), layout.end());
  std::sort(sorted.begin(), sorted.end());
  NodeInventory node;
  for (int gpu = 0; gpu < gpu_count; ++gpu) {
    node.gpus.push_back({GpuIndex(gpu), GpuUuid(StrCat("GPU-sim-", gpu)), &model, -1});
    for (const PlacedProfile& placed : sorted) {
      const Profile* profile = model.FindProfile(placed.profile);
      FLEXMIG_CHECK(profile != nullptr);
      node.leaves.push_back({LeafId(static_cast<int>(node.leaves.size())), GpuIndex(gpu),
                             MigUuid(StrCat("MIG-sim-", gpu, "-", placed.placement.start)), profile,
                             placed.placement});
    }
  }
  return node;
}

}  // namespace flexmig::mig
