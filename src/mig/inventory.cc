#include "flexmig/mig/inventory.h"

#include <algorithm>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::mig {

NodeInventory NodeInventory::Uniform(const GpuModel& model, int gpu_count,
                                     std::span<const PlacedProfile> layout) {
  if (gpu_count == 0) return {};
  return Cluster(model, {1, gpu_count, 0}, layout);
}

NodeInventory NodeInventory::Cluster(const GpuModel& model, const ClusterShape& shape,
                                     std::span<const PlacedProfile> layout) {
  FLEXMIG_CHECK(shape.node_count >= 0 && shape.gpus_per_node > 0 && shape.numa_nodes_per_node >= 0);
  MigLayout sorted(layout.begin(), layout.end());
  std::sort(sorted.begin(), sorted.end());
  NodeInventory cluster;
  const int gpu_count = shape.node_count * shape.gpus_per_node;
  cluster.gpus.reserve(static_cast<size_t>(gpu_count));
  cluster.leaves.reserve(static_cast<size_t>(gpu_count) * sorted.size());
  for (int gpu = 0; gpu < gpu_count; ++gpu) {
    const int on_node = gpu % shape.gpus_per_node;
    const int numa_node = shape.numa_nodes_per_node == 0
                              ? -1
                              : on_node * shape.numa_nodes_per_node / shape.gpus_per_node;
    cluster.gpus.push_back({GpuIndex(gpu), GpuUuid(StrCat("GPU-sim-", gpu)), &model, numa_node,
                            NodeIndex(gpu / shape.gpus_per_node)});
    for (const PlacedProfile& placed : sorted) {
      const Profile* profile = model.FindProfile(placed.profile);
      FLEXMIG_CHECK(profile != nullptr);
      cluster.leaves.push_back({LeafId(static_cast<int>(cluster.leaves.size())), GpuIndex(gpu),
                                MigUuid(StrCat("MIG-sim-", gpu, "-", placed.placement.start)),
                                profile, placed.placement});
    }
  }
  return cluster;
}

}  // namespace flexmig::mig
