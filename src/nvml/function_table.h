#pragma once

#include <functional>

#include "flexmig/base/status.h"
#include "flexmig/nvml_abi/functions.h"

namespace flexmig::nvml {

// The driver's functions that the backend calls, each in the highest version that the library has.
// Null where it has none and nothing depends on it.
struct FunctionTable {
  decltype(&nvml_abi::nvmlInit_v2) init = nullptr;
  decltype(&nvml_abi::nvmlShutdown) shutdown = nullptr;
  decltype(&nvml_abi::nvmlErrorString) error_string = nullptr;
  decltype(&nvml_abi::nvmlSystemGetDriverVersion) driver_version = nullptr;

  decltype(&nvml_abi::nvmlDeviceGetCount_v2) count = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetHandleByIndex_v2) by_index = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetName) name = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetUUID) uuid = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetPciInfo_v3) pci_info = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetPciInfo_v2) pci_info_legacy = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetCudaComputeCapability) compute_capability = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetMemoryAffinity) memory_affinity = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetFieldValues) field_values = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetComputeRunningProcesses_v3) processes = nullptr;

  decltype(&nvml_abi::nvmlDeviceGetMigMode) mig_mode = nullptr;
  decltype(&nvml_abi::nvmlDeviceSetMigMode) set_mig_mode = nullptr;

  decltype(&nvml_abi::nvmlDeviceGetGpuInstanceProfileInfo) profile_info = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetGpuInstanceProfileInfoV) profile_info_v = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetGpuInstancePossiblePlacements_v2) placements_v2 = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetGpuInstancePossiblePlacements) placements_v1 = nullptr;
  decltype(&nvml_abi::nvmlDeviceCreateGpuInstance) create_gi = nullptr;
  decltype(&nvml_abi::nvmlDeviceCreateGpuInstanceWithPlacement) create_gi_at = nullptr;
  decltype(&nvml_abi::nvmlGpuInstanceDestroy) destroy_gi = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetGpuInstances) gpu_instances = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetGpuInstanceById) gi_by_id = nullptr;
  decltype(&nvml_abi::nvmlGpuInstanceGetInfo) gi_info = nullptr;

  decltype(&nvml_abi::nvmlGpuInstanceGetComputeInstanceProfileInfo) ci_profile_info = nullptr;
  decltype(&nvml_abi::nvmlGpuInstanceCreateComputeInstance) create_ci = nullptr;
  decltype(&nvml_abi::nvmlComputeInstanceDestroy) destroy_ci = nullptr;
  decltype(&nvml_abi::nvmlGpuInstanceGetComputeInstances) compute_instances = nullptr;
  decltype(&nvml_abi::nvmlGpuInstanceGetComputeInstanceById) ci_by_id = nullptr;
  decltype(&nvml_abi::nvmlComputeInstanceGetInfo_v2) ci_info_v2 = nullptr;
  decltype(&nvml_abi::nvmlComputeInstanceGetInfo) ci_info_v1 = nullptr;

  decltype(&nvml_abi::nvmlDeviceGetMaxMigDeviceCount) max_mig_devices = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetMigDeviceHandleByIndex) mig_device_by_index = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetGpuInstanceId) gi_id = nullptr;
  decltype(&nvml_abi::nvmlDeviceGetComputeInstanceId) ci_id = nullptr;

  decltype(&nvml_abi::nvmlDeviceGetSupportedEventTypes) supported_events = nullptr;
  decltype(&nvml_abi::nvmlEventSetCreate) event_set_create = nullptr;
  decltype(&nvml_abi::nvmlDeviceRegisterEvents) register_events = nullptr;
  decltype(&nvml_abi::nvmlEventSetWait_v2) event_wait = nullptr;
  decltype(&nvml_abi::nvmlEventSetFree) event_set_free = nullptr;
};

// Looks every function up with `find`, which gives null for a name that the library lacks.
// Errors: kUnimplemented, naming the functions without which no board can be listed.
Result<FunctionTable> ResolveFunctions(const std::function<void*(const char*)>& find);

}  // namespace flexmig::nvml
