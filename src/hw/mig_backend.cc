#include "flexmig/hw/mig_backend.h"

#include <algorithm>

#include "flexmig/base/strings.h"

namespace flexmig::hw {

Result<mig::NodeInventory> ReadInventory(MigBackend& backend) {
  mig::NodeInventory inventory;
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, backend.ListGpus());
  for (const GpuStatus& gpu : gpus) {
    inventory.gpus.push_back({gpu.index, gpu.uuid, gpu.model, gpu.numa_node});
    if (!gpu.mig_enabled) continue;
    FLEXMIG_ASSIGN_OR_RETURN(auto devices, backend.ListMigDevices(gpu.index));
    std::ranges::sort(devices, {}, [](const MigDevice& d) { return d.placed.placement; });
    for (const MigDevice& device : devices) {
      const mig::Profile* profile = gpu.model->FindProfile(device.placed.profile);
      if (profile == nullptr) {
        return UnimplementedError(StrCat(device.uuid.value(), " on GPU ", gpu.index.value(),
                                         " has profile id ", device.placed.profile.value(),
                                         ", which the table of ", gpu.model->key, " lacks"));
      }
      const mig::LeafId id(static_cast<int>(inventory.leaves.size()));
      inventory.leaves.push_back({id, gpu.index, device.uuid, profile, device.placed.placement});
    }
  }
  return inventory;
}

}  // namespace flexmig::hw
