#include "function_table.h"

#include "flexmig/base/strings.h"
#include "flexmig/base/symbol_resolver.h"

namespace flexmig::nvml {

Result<FunctionTable> ResolveFunctions(const std::function<void*(const char*)>& find) {
  FunctionTable f;
  SymbolResolver resolver(find);
  resolver.Required(f.init, {"nvmlInit_v2", "nvmlInit"});
  resolver.Required(f.shutdown, {"nvmlShutdown"});
  resolver.Optional(f.error_string, {"nvmlErrorString"});
  resolver.Required(f.driver_version, {"nvmlSystemGetDriverVersion"});

  resolver.Required(f.count, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"});
  resolver.Required(f.by_index, {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"});
  resolver.Required(f.name, {"nvmlDeviceGetName"});
  resolver.Required(f.uuid, {"nvmlDeviceGetUUID"});
  resolver.Optional(f.pci_info, {"nvmlDeviceGetPciInfo_v3"});
  resolver.Optional(f.pci_info_legacy, {"nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo"});
  resolver.Optional(f.compute_capability, {"nvmlDeviceGetCudaComputeCapability"});
  resolver.Optional(f.memory_affinity, {"nvmlDeviceGetMemoryAffinity"});
  resolver.Optional(f.field_values, {"nvmlDeviceGetFieldValues"});
  resolver.Optional(f.processes, {"nvmlDeviceGetComputeRunningProcesses_v3",
                                  "nvmlDeviceGetComputeRunningProcesses_v2"});

  resolver.Optional(f.mig_mode, {"nvmlDeviceGetMigMode"});
  resolver.Optional(f.set_mig_mode, {"nvmlDeviceSetMigMode"});

  resolver.Optional(f.profile_info, {"nvmlDeviceGetGpuInstanceProfileInfo"});
  resolver.Optional(f.profile_info_v, {"nvmlDeviceGetGpuInstanceProfileInfoV"});
  resolver.Optional(f.placements_v2, {"nvmlDeviceGetGpuInstancePossiblePlacements_v2"});
  resolver.Optional(f.placements_v1, {"nvmlDeviceGetGpuInstancePossiblePlacements"});
  resolver.Optional(f.create_gi, {"nvmlDeviceCreateGpuInstance"});
  resolver.Optional(f.create_gi_at, {"nvmlDeviceCreateGpuInstanceWithPlacement"});
  resolver.Optional(f.destroy_gi, {"nvmlGpuInstanceDestroy"});
  resolver.Optional(f.gpu_instances, {"nvmlDeviceGetGpuInstances"});
  resolver.Optional(f.gi_by_id, {"nvmlDeviceGetGpuInstanceById"});
  resolver.Optional(f.gi_info, {"nvmlGpuInstanceGetInfo"});

  resolver.Optional(f.ci_profile_info, {"nvmlGpuInstanceGetComputeInstanceProfileInfo"});
  resolver.Optional(f.create_ci, {"nvmlGpuInstanceCreateComputeInstance"});
  resolver.Optional(f.destroy_ci, {"nvmlComputeInstanceDestroy"});
  resolver.Optional(f.compute_instances, {"nvmlGpuInstanceGetComputeInstances"});
  resolver.Optional(f.ci_by_id, {"nvmlGpuInstanceGetComputeInstanceById"});
  resolver.Optional(f.ci_info_v2, {"nvmlComputeInstanceGetInfo_v2"});
  resolver.Optional(f.ci_info_v1, {"nvmlComputeInstanceGetInfo"});

  resolver.Optional(f.max_mig_devices, {"nvmlDeviceGetMaxMigDeviceCount"});
  resolver.Optional(f.mig_device_by_index, {"nvmlDeviceGetMigDeviceHandleByIndex"});
  resolver.Optional(f.gi_id, {"nvmlDeviceGetGpuInstanceId"});
  resolver.Optional(f.ci_id, {"nvmlDeviceGetComputeInstanceId"});

  resolver.Optional(f.supported_events, {"nvmlDeviceGetSupportedEventTypes"});
  resolver.Optional(f.event_set_create, {"nvmlEventSetCreate"});
  resolver.Optional(f.register_events, {"nvmlDeviceRegisterEvents"});
  resolver.Optional(f.event_wait, {"nvmlEventSetWait_v2"});
  resolver.Optional(f.event_set_free, {"nvmlEventSetFree"});

  if (!resolver.missing().empty()) {
    return UnimplementedError(StrCat("the library lacks ", StrJoin(resolver.missing(), ", ")));
  }
  return f;
}

}  // namespace flexmig::nvml
