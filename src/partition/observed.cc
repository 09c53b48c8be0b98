#include "flexmig/partition/observed.h"

#include <algorithm>

#include "flexmig/base/strings.h"

namespace flexmig::partition {

mig::MigLayout ObservedGpu::layout() const {
  mig::MigLayout layout;
  for (const ObservedInstance& instance : instances) layout.push_back(instance.placed);
  return layout;
}

Result<ObservedGpu> Observe(hw::MigBackend& backend, mig::GpuIndex gpu, const CreatedRecord& record,
                            const LeaseHolderOf& holder_of) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto gpus, backend.ListGpus());
  const auto found = std::ranges::find(gpus, gpu, &hw::GpuStatus::index);
  if (found == gpus.end()) {
    return NotFoundError(StrCat("no GPU ", gpu.value(), ": the node has ", gpus.size()));
  }
  ObservedGpu observed;
  observed.status = *found;
  FLEXMIG_ASSIGN_OR_RETURN(const auto instances, backend.ListGpuInstances(gpu));
  FLEXMIG_ASSIGN_OR_RETURN(const auto devices, backend.ListMigDevices(gpu));
  FLEXMIG_ASSIGN_OR_RETURN(const auto processes, backend.ListProcesses(gpu));
  for (const hw::GpuInstance& instance : instances) {
    ObservedInstance& entry = observed.instances.emplace_back();
    entry.id = instance.id;
    entry.placed = instance.placed;
    entry.created_here = record.Contains(found->uuid, instance.placed);
    const auto device = std::ranges::find(devices, instance.id, &hw::MigDevice::gpu_instance);
    if (device != devices.end()) {
      entry.device = *device;
      if (holder_of) entry.holder = holder_of(device->uuid);
    }
    for (const hw::GpuProcess& process : processes) {
      if (process.gpu_instance == instance.id) entry.processes.push_back(process.pid);
    }
    std::ranges::sort(entry.processes);
  }
  std::ranges::sort(observed.instances, {}, &ObservedInstance::placed);
  for (const hw::GpuProcess& process : processes) {
    if (process.gpu_instance.value() == hw::kNoInstance) {
      observed.whole_gpu_processes.push_back(process.pid);
    }
  }
  std::ranges::sort(observed.whole_gpu_processes);
  return observed;
}

}  // namespace flexmig::partition
