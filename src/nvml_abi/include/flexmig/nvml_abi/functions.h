#pragma once

#include "flexmig/nvml_abi/return_code.h"
#include "flexmig/nvml_abi/structs.h"

// NVML's functions as far as Flex-MIG or the clients of its simulated library call them, by their
// own names. Nothing here is linked: the backend takes the types of these declarations for what it
// finds with dlsym, the simulated library defines them. Source: nvml.h of CUDA 13.3
// (https://github.com/NVIDIA/go-nvml, gen/nvml/nvml.h); docs/reference/nvml-sim.md says which CUDA
// release brought which.
// Lengths are in bytes with the final null, counts go in and out, enums are 4 bytes wide.

// NVML's names, not ours. NOLINTBEGIN(readability-identifier-naming)
namespace flexmig::nvml_abi {
extern "C" {

// Library and system
Return nvmlInit() noexcept;
Return nvmlInit_v2() noexcept;
Return nvmlInitWithFlags(uint32_t flags) noexcept;
Return nvmlShutdown() noexcept;
const char* nvmlErrorString(Return code) noexcept;
Return nvmlSystemGetDriverVersion(char* version, uint32_t length) noexcept;
Return nvmlSystemGetNVMLVersion(char* version, uint32_t length) noexcept;
Return nvmlSystemGetCudaDriverVersion(int32_t* version) noexcept;
Return nvmlSystemGetCudaDriverVersion_v2(int32_t* version) noexcept;
Return nvmlSystemGetProcessName(uint32_t pid, char* name, uint32_t length) noexcept;

// Finding devices
Return nvmlDeviceGetCount(uint32_t* count) noexcept;
Return nvmlDeviceGetCount_v2(uint32_t* count) noexcept;
Return nvmlDeviceGetHandleByIndex(uint32_t index, Device* device) noexcept;
Return nvmlDeviceGetHandleByIndex_v2(uint32_t index, Device* device) noexcept;
Return nvmlDeviceGetHandleByUUID(const char* uuid, Device* device) noexcept;
Return nvmlDeviceGetHandleByPciBusId(const char* bus_id, Device* device) noexcept;
Return nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, Device* device) noexcept;

// What a device is
Return nvmlDeviceGetName(Device device, char* name, uint32_t length) noexcept;
Return nvmlDeviceGetUUID(Device device, char* uuid, uint32_t length) noexcept;
Return nvmlDeviceGetIndex(Device device, uint32_t* index) noexcept;
Return nvmlDeviceGetMinorNumber(Device device, uint32_t* minor) noexcept;
Return nvmlDeviceGetSerial(Device device, char* serial, uint32_t length) noexcept;
Return nvmlDeviceGetBrand(Device device, uint32_t* brand) noexcept;
Return nvmlDeviceGetArchitecture(Device device, uint32_t* architecture) noexcept;
Return nvmlDeviceGetCudaComputeCapability(Device device, int32_t* major, int32_t* minor) noexcept;
Return nvmlDeviceGetNumGpuCores(Device device, uint32_t* cores) noexcept;
Return nvmlDeviceGetMemoryBusWidth(Device device, uint32_t* bits) noexcept;
Return nvmlDeviceGetVbiosVersion(Device device, char* version, uint32_t length) noexcept;
Return nvmlDeviceGetPciInfo(Device device, PciInfoLegacy* pci) noexcept;
Return nvmlDeviceGetPciInfo_v2(Device device, PciInfoLegacy* pci) noexcept;
Return nvmlDeviceGetPciInfo_v3(Device device, PciInfo* pci) noexcept;
Return nvmlDeviceGetFieldValues(Device device, int32_t count, FieldValue* values) noexcept;

// Where it sits
Return nvmlDeviceGetCpuAffinity(Device device, uint32_t words, unsigned long* set) noexcept;
Return nvmlDeviceGetCpuAffinityWithinScope(Device device, uint32_t words, unsigned long* set,
                                           uint32_t scope) noexcept;
Return nvmlDeviceGetMemoryAffinity(Device device, uint32_t words, unsigned long* set,
                                   uint32_t scope) noexcept;
Return nvmlDeviceGetNumaNodeId(Device device, uint32_t* node) noexcept;
Return nvmlDeviceGetTopologyCommonAncestor(Device a, Device b, uint32_t* level) noexcept;
Return nvmlDeviceGetP2PStatus(Device a, Device b, uint32_t capability, uint32_t* status) noexcept;
Return nvmlDeviceGetNvLinkState(Device device, uint32_t link, uint32_t* active) noexcept;
Return nvmlDeviceGetNvLinkRemotePciInfo_v2(Device device, uint32_t link, PciInfo* pci) noexcept;

// How it is
Return nvmlDeviceGetMaxPcieLinkGeneration(Device device, uint32_t* generation) noexcept;
Return nvmlDeviceGetMaxPcieLinkWidth(Device device, uint32_t* width) noexcept;
Return nvmlDeviceGetCurrPcieLinkGeneration(Device device, uint32_t* generation) noexcept;
Return nvmlDeviceGetCurrPcieLinkWidth(Device device, uint32_t* width) noexcept;
Return nvmlDeviceGetPcieThroughput(Device device, uint32_t counter, uint32_t* kib_per_s) noexcept;
Return nvmlDeviceGetClockInfo(Device device, uint32_t clock, uint32_t* mhz) noexcept;
Return nvmlDeviceGetMaxClockInfo(Device device, uint32_t clock, uint32_t* mhz) noexcept;
Return nvmlDeviceGetApplicationsClock(Device device, uint32_t clock, uint32_t* mhz) noexcept;
Return nvmlDeviceSetApplicationsClocks(Device device, uint32_t memory_mhz,
                                       uint32_t graphics_mhz) noexcept;
Return nvmlDeviceResetApplicationsClocks(Device device) noexcept;
Return nvmlDeviceGetSupportedMemoryClocks(Device device, uint32_t* count, uint32_t* mhz) noexcept;
Return nvmlDeviceGetSupportedGraphicsClocks(Device device, uint32_t memory_mhz, uint32_t* count,
                                            uint32_t* mhz) noexcept;
Return nvmlDeviceGetFanSpeed(Device device, uint32_t* percent) noexcept;
Return nvmlDeviceGetTemperature(Device device, uint32_t sensor, uint32_t* celsius) noexcept;
Return nvmlDeviceGetTemperatureThreshold(Device device, uint32_t threshold,
                                         uint32_t* celsius) noexcept;
Return nvmlDeviceGetPerformanceState(Device device, uint32_t* state) noexcept;
Return nvmlDeviceGetPowerUsage(Device device, uint32_t* milliwatts) noexcept;
Return nvmlDeviceGetPowerManagementLimit(Device device, uint32_t* milliwatts) noexcept;
Return nvmlDeviceGetEnforcedPowerLimit(Device device, uint32_t* milliwatts) noexcept;
Return nvmlDeviceGetPersistenceMode(Device device, uint32_t* mode) noexcept;
Return nvmlDeviceGetComputeMode(Device device, uint32_t* mode) noexcept;
Return nvmlDeviceGetEccMode(Device device, uint32_t* current, uint32_t* pending) noexcept;
Return nvmlDeviceGetMemoryInfo(Device device, Memory* memory) noexcept;
Return nvmlDeviceGetMemoryInfo_v2(Device device, MemoryV2* memory) noexcept;
Return nvmlDeviceGetBAR1MemoryInfo(Device device, Bar1Memory* memory) noexcept;
Return nvmlDeviceGetUtilizationRates(Device device, Utilization* utilization) noexcept;
Return nvmlDeviceGetEncoderUtilization(Device device, uint32_t* percent,
                                       uint32_t* period_us) noexcept;
Return nvmlDeviceGetDecoderUtilization(Device device, uint32_t* percent,
                                       uint32_t* period_us) noexcept;

// Who uses it
Return nvmlDeviceGetProcessUtilization(Device device, ProcessUtilizationSample* samples,
                                       uint32_t* count, uint64_t since) noexcept;
Return nvmlDeviceGetComputeRunningProcesses(Device device, uint32_t* count,
                                            ProcessInfoV1* infos) noexcept;
Return nvmlDeviceGetComputeRunningProcesses_v2(Device device, uint32_t* count,
                                               ProcessInfo* infos) noexcept;
Return nvmlDeviceGetComputeRunningProcesses_v3(Device device, uint32_t* count,
                                               ProcessInfo* infos) noexcept;
Return nvmlDeviceGetGraphicsRunningProcesses(Device device, uint32_t* count,
                                             ProcessInfoV1* infos) noexcept;
Return nvmlDeviceGetGraphicsRunningProcesses_v2(Device device, uint32_t* count,
                                                ProcessInfo* infos) noexcept;
Return nvmlDeviceGetGraphicsRunningProcesses_v3(Device device, uint32_t* count,
                                                ProcessInfo* infos) noexcept;
Return nvmlDeviceGetMPSComputeRunningProcesses_v3(Device device, uint32_t* count,
                                                  ProcessInfo* infos) noexcept;

// MIG mode
Return nvmlDeviceSetMigMode(Device device, uint32_t mode, Return* activation_status) noexcept;
Return nvmlDeviceGetMigMode(Device device, uint32_t* current, uint32_t* pending) noexcept;

// GPU instances. `profile` is an index, `profile_id` an id: different numbers.
Return nvmlDeviceGetGpuInstanceProfileInfo(Device device, uint32_t profile,
                                           GpuInstanceProfileInfo* info) noexcept;
Return nvmlDeviceGetGpuInstanceProfileInfoV(Device device, uint32_t profile,
                                            GpuInstanceProfileInfoV2* info) noexcept;
Return nvmlDeviceGetGpuInstanceProfileInfoByIdV(Device device, uint32_t profile_id,
                                                GpuInstanceProfileInfoV2* info) noexcept;
Return nvmlDeviceGetGpuInstancePossiblePlacements(Device device, uint32_t profile_id,
                                                  Placement* placements, uint32_t* count) noexcept;
Return nvmlDeviceGetGpuInstancePossiblePlacements_v2(Device device, uint32_t profile_id,
                                                     Placement* placements,
                                                     uint32_t* count) noexcept;
Return nvmlDeviceGetGpuInstanceRemainingCapacity(Device device, uint32_t profile_id,
                                                 uint32_t* count) noexcept;
Return nvmlDeviceCreateGpuInstance(Device device, uint32_t profile_id,
                                   GpuInstance* instance) noexcept;
Return nvmlDeviceCreateGpuInstanceWithPlacement(Device device, uint32_t profile_id,
                                                const Placement* placement,
                                                GpuInstance* instance) noexcept;
Return nvmlGpuInstanceDestroy(GpuInstance instance) noexcept;
Return nvmlDeviceGetGpuInstances(Device device, uint32_t profile_id, GpuInstance* instances,
                                 uint32_t* count) noexcept;
Return nvmlDeviceGetGpuInstanceById(Device device, uint32_t id, GpuInstance* instance) noexcept;
Return nvmlGpuInstanceGetInfo(GpuInstance instance, GpuInstanceInfo* info) noexcept;

// Compute instances
Return nvmlGpuInstanceGetComputeInstanceProfileInfo(GpuInstance instance, uint32_t profile,
                                                    uint32_t engine_profile,
                                                    ComputeInstanceProfileInfo* info) noexcept;
Return nvmlGpuInstanceGetComputeInstanceProfileInfoV(GpuInstance instance, uint32_t profile,
                                                     uint32_t engine_profile,
                                                     ComputeInstanceProfileInfoV2* info) noexcept;
Return nvmlGpuInstanceGetComputeInstanceRemainingCapacity(GpuInstance instance, uint32_t profile_id,
                                                          uint32_t* count) noexcept;
Return nvmlGpuInstanceGetComputeInstancePossiblePlacements(GpuInstance instance,
                                                           uint32_t profile_id,
                                                           Placement* placements,
                                                           uint32_t* count) noexcept;
Return nvmlGpuInstanceCreateComputeInstance(GpuInstance instance, uint32_t profile_id,
                                            ComputeInstance* compute_instance) noexcept;
Return nvmlGpuInstanceCreateComputeInstanceWithPlacement(
    GpuInstance instance, uint32_t profile_id, const Placement* placement,
    ComputeInstance* compute_instance) noexcept;
Return nvmlComputeInstanceDestroy(ComputeInstance compute_instance) noexcept;
Return nvmlGpuInstanceGetComputeInstances(GpuInstance instance, uint32_t profile_id,
                                          ComputeInstance* compute_instances,
                                          uint32_t* count) noexcept;
Return nvmlGpuInstanceGetComputeInstanceById(GpuInstance instance, uint32_t id,
                                             ComputeInstance* compute_instance) noexcept;
Return nvmlComputeInstanceGetInfo(ComputeInstance compute_instance,
                                  ComputeInstanceInfoV1* info) noexcept;
Return nvmlComputeInstanceGetInfo_v2(ComputeInstance compute_instance,
                                     ComputeInstanceInfo* info) noexcept;

// MIG devices
Return nvmlDeviceIsMigDeviceHandle(Device device, uint32_t* is_mig_device) noexcept;
Return nvmlDeviceGetGpuInstanceId(Device device, uint32_t* id) noexcept;
Return nvmlDeviceGetComputeInstanceId(Device device, uint32_t* id) noexcept;
Return nvmlDeviceGetMaxMigDeviceCount(Device device, uint32_t* count) noexcept;
Return nvmlDeviceGetMigDeviceHandleByIndex(Device device, uint32_t index,
                                           Device* mig_device) noexcept;
Return nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device mig_device, Device* device) noexcept;
Return nvmlDeviceGetAttributes(Device device, DeviceAttributes* attributes) noexcept;
Return nvmlDeviceGetAttributes_v2(Device device, DeviceAttributes* attributes) noexcept;

// Events
Return nvmlDeviceGetSupportedEventTypes(Device device, uint64_t* types) noexcept;
Return nvmlEventSetCreate(EventSet* set) noexcept;
Return nvmlDeviceRegisterEvents(Device device, uint64_t types, EventSet set) noexcept;
Return nvmlEventSetWait(EventSet set, EventDataV1* data, uint32_t timeout_ms) noexcept;
Return nvmlEventSetWait_v2(EventSet set, EventData* data, uint32_t timeout_ms) noexcept;
Return nvmlEventSetFree(EventSet set) noexcept;

// Performance monitoring; the metrics are passed through untyped, because nothing here reads them.
Return nvmlGpmQueryDeviceSupport(Device device, GpmSupport* support) noexcept;
Return nvmlGpmSampleAlloc(GpmSample* sample) noexcept;
Return nvmlGpmSampleFree(GpmSample sample) noexcept;
Return nvmlGpmSampleGet(Device device, GpmSample sample) noexcept;
Return nvmlGpmMigSampleGet(Device device, uint32_t gpu_instance_id, GpmSample sample) noexcept;
Return nvmlGpmMetricsGet(void* metrics) noexcept;

}  // extern "C"
}  // namespace flexmig::nvml_abi
// NOLINTEND(readability-identifier-naming)
