#pragma once

#include <cstddef>
#include <cstdint>

// The structs of NVML's C interface as the x86-64 and AArch64 Linux libraries use them, written
// down from the public description of the interface. Source of every layout, size and version word:
// nvml.h of CUDA 13.3 (https://github.com/NVIDIA/go-nvml, gen/nvml/nvml.h), compiled and measured;
// the version words of the profile structs agree with NVIDIA's BSD-licensed pynvml. The comment at
// each struct gives NVML's own name for it.

namespace flexmig::nvml_abi {

// NVML versions a struct by its first word: its size and a counter.
constexpr uint32_t VersionWord(size_t size, uint32_t counter) {
  return static_cast<uint32_t>(size) | counter << 24;
}

// Handles: structs with one pointer, passed by value.
struct Device {  // nvmlDevice_t
  void* handle = nullptr;
};
struct GpuInstance {  // nvmlGpuInstance_t
  void* handle = nullptr;
};
struct ComputeInstance {  // nvmlComputeInstance_t
  void* handle = nullptr;
};
struct EventSet {  // nvmlEventSet_t
  void* handle = nullptr;
};
struct GpmSample {  // nvmlGpmSample_t
  void* handle = nullptr;
};
static_assert(sizeof(Device) == sizeof(void*) && sizeof(GpuInstance) == sizeof(void*));

// nvmlGpuInstancePlacement_t, nvmlComputeInstancePlacement_t
struct Placement {
  uint32_t start;
  uint32_t size;
};
static_assert(sizeof(Placement) == 8 && alignof(Placement) == 4);

// nvmlGpuInstanceProfileInfo_t
struct GpuInstanceProfileInfo {
  uint32_t id;
  uint32_t is_p2p_supported;
  uint32_t slice_count;
  uint32_t instance_count;
  uint32_t multiprocessor_count;
  uint32_t copy_engine_count;
  uint32_t decoder_count;
  uint32_t encoder_count;
  uint32_t jpeg_count;
  uint32_t ofa_count;
  uint64_t memory_size_mib;
};
static_assert(sizeof(GpuInstanceProfileInfo) == 48);
static_assert(offsetof(GpuInstanceProfileInfo, memory_size_mib) == 40);

constexpr size_t kProfileNameSize = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE

// nvmlGpuInstanceProfileInfo_v2_t
struct GpuInstanceProfileInfoV2 {
  uint32_t version;
  uint32_t id;
  uint32_t is_p2p_supported;
  uint32_t slice_count;
  uint32_t instance_count;
  uint32_t multiprocessor_count;
  uint32_t copy_engine_count;
  uint32_t decoder_count;
  uint32_t encoder_count;
  uint32_t jpeg_count;
  uint32_t ofa_count;
  uint64_t memory_size_mib;
  char name[kProfileNameSize];
};
static_assert(sizeof(GpuInstanceProfileInfoV2) == 152);
static_assert(offsetof(GpuInstanceProfileInfoV2, memory_size_mib) == 48);
static_assert(offsetof(GpuInstanceProfileInfoV2, name) == 56);
constexpr uint32_t kGpuInstanceProfileInfoV2 = VersionWord(sizeof(GpuInstanceProfileInfoV2), 2);
static_assert(kGpuInstanceProfileInfoV2 == 0x02000098);

// nvmlGpuInstanceProfileInfo_v3_t: as long as v2, yet another layout (is_p2p_supported went into
// the capabilities), so only the version word tells them apart.
struct GpuInstanceProfileInfoV3 {
  uint32_t version;
  uint32_t id;
  uint32_t slice_count;
  uint32_t instance_count;
  uint32_t multiprocessor_count;
  uint32_t copy_engine_count;
  uint32_t decoder_count;
  uint32_t encoder_count;
  uint32_t jpeg_count;
  uint32_t ofa_count;
  uint64_t memory_size_mib;
  char name[kProfileNameSize];
  uint32_t capabilities;
};
static_assert(sizeof(GpuInstanceProfileInfoV3) == 152);
static_assert(offsetof(GpuInstanceProfileInfoV3, memory_size_mib) == 40);
static_assert(offsetof(GpuInstanceProfileInfoV3, name) == 48);
static_assert(offsetof(GpuInstanceProfileInfoV3, capabilities) == 144);
constexpr uint32_t kGpuInstanceProfileInfoV3 = VersionWord(sizeof(GpuInstanceProfileInfoV3), 3);
static_assert(kGpuInstanceProfileInfoV3 == 0x03000098);

// nvmlGpuInstanceInfo_t
struct GpuInstanceInfo {
  Device device;
  uint32_t id;
  uint32_t profile_id;
  Placement placement;
};
static_assert(sizeof(GpuInstanceInfo) == 24);
static_assert(offsetof(GpuInstanceInfo, id) == 8 && offsetof(GpuInstanceInfo, profile_id) == 12);
static_assert(offsetof(GpuInstanceInfo, placement) == 16);

// nvmlComputeInstanceProfileInfo_t
struct ComputeInstanceProfileInfo {
  uint32_t id;
  uint32_t slice_count;
  uint32_t instance_count;
  uint32_t multiprocessor_count;
  uint32_t shared_copy_engine_count;
  uint32_t shared_decoder_count;
  uint32_t shared_encoder_count;
  uint32_t shared_jpeg_count;
  uint32_t shared_ofa_count;
};
static_assert(sizeof(ComputeInstanceProfileInfo) == 36);

// nvmlComputeInstanceProfileInfo_v2_t
struct ComputeInstanceProfileInfoV2 {
  uint32_t version;
  ComputeInstanceProfileInfo v1;
  char name[kProfileNameSize];
};
static_assert(sizeof(ComputeInstanceProfileInfoV2) == 136);
static_assert(offsetof(ComputeInstanceProfileInfoV2, name) == 40);
constexpr uint32_t kComputeInstanceProfileInfoV2 =
    VersionWord(sizeof(ComputeInstanceProfileInfoV2), 2);
static_assert(kComputeInstanceProfileInfoV2 == 0x02000088);

// nvmlComputeInstanceProfileInfo_v3_t
struct ComputeInstanceProfileInfoV3 {
  uint32_t version;
  ComputeInstanceProfileInfo v1;
  char name[kProfileNameSize];
  uint32_t capabilities;
};
static_assert(sizeof(ComputeInstanceProfileInfoV3) == 140);
static_assert(offsetof(ComputeInstanceProfileInfoV3, capabilities) == 136);
constexpr uint32_t kComputeInstanceProfileInfoV3 =
    VersionWord(sizeof(ComputeInstanceProfileInfoV3), 3);
static_assert(kComputeInstanceProfileInfoV3 == 0x0300008c);

// nvmlComputeInstanceInfo_t, filled by nvmlComputeInstanceGetInfo_v2; `device` is then the handle
// of the MIG device.
struct ComputeInstanceInfo {
  Device device;
  GpuInstance gpu_instance;
  uint32_t id;
  uint32_t profile_id;
  Placement placement;
};
static_assert(sizeof(ComputeInstanceInfo) == 32);
static_assert(offsetof(ComputeInstanceInfo, gpu_instance) == 8);
static_assert(offsetof(ComputeInstanceInfo, id) == 16);
static_assert(offsetof(ComputeInstanceInfo, placement) == 24);

// What nvmlComputeInstanceGetInfo without suffix fills: the struct before `placement` existed.
struct ComputeInstanceInfoV1 {
  Device device;
  GpuInstance gpu_instance;
  uint32_t id;
  uint32_t profile_id;
};
static_assert(sizeof(ComputeInstanceInfoV1) == 24);

// nvmlDeviceAttributes_t, of a MIG device
struct DeviceAttributes {
  uint32_t multiprocessor_count;
  uint32_t shared_copy_engine_count;
  uint32_t shared_decoder_count;
  uint32_t shared_encoder_count;
  uint32_t shared_jpeg_count;
  uint32_t shared_ofa_count;
  uint32_t gpu_instance_slice_count;
  uint32_t compute_instance_slice_count;
  uint64_t memory_size_mib;
};
static_assert(sizeof(DeviceAttributes) == 40 && offsetof(DeviceAttributes, memory_size_mib) == 32);

// nvmlMemory_t
struct Memory {
  uint64_t total;
  uint64_t free;
  uint64_t used;
};
static_assert(sizeof(Memory) == 24);

// nvmlMemory_v2_t
struct MemoryV2 {
  uint32_t version;
  uint64_t total;
  uint64_t reserved;
  uint64_t free;
  uint64_t used;
};
static_assert(sizeof(MemoryV2) == 40 && offsetof(MemoryV2, total) == 8);
constexpr uint32_t kMemoryV2 = VersionWord(sizeof(MemoryV2), 2);
static_assert(kMemoryV2 == 0x02000028);

// nvmlBAR1Memory_t
struct Bar1Memory {
  uint64_t total;
  uint64_t free;
  uint64_t used;
};
static_assert(sizeof(Bar1Memory) == 24);

// nvmlPciInfo_t, filled by nvmlDeviceGetPciInfo_v3
struct PciInfo {
  char bus_id_legacy[16];
  uint32_t domain;
  uint32_t bus;
  uint32_t device;
  uint32_t pci_device_id;  // device in the upper half, vendor in the lower
  uint32_t pci_subsystem_id;
  char bus_id[32];
};
static_assert(sizeof(PciInfo) == 68 && offsetof(PciInfo, domain) == 16);
static_assert(offsetof(PciInfo, bus_id) == 36);

// The part that all generations of the struct begin with; nvmlDeviceGetPciInfo and its _v2 fill
// nothing behind it.
struct PciInfoLegacy {
  char bus_id[16];
  uint32_t domain;
  uint32_t bus;
  uint32_t device;
  uint32_t pci_device_id;
  uint32_t pci_subsystem_id;
};
static_assert(sizeof(PciInfoLegacy) == offsetof(PciInfo, bus_id));

// nvmlUtilization_t
struct Utilization {
  uint32_t gpu;
  uint32_t memory;
};
static_assert(sizeof(Utilization) == 8);

// nvmlProcessUtilizationSample_t
struct ProcessUtilizationSample {
  uint32_t pid;
  uint64_t time_stamp;
  uint32_t sm;
  uint32_t memory;
  uint32_t encoder;
  uint32_t decoder;
};
static_assert(sizeof(ProcessUtilizationSample) == 32);

constexpr uint32_t kNoInstanceId = 0xFFFFFFFF;
constexpr uint64_t kMemoryNotAvailable = ~uint64_t{0};  // NVML_VALUE_NOT_AVAILABLE

// nvmlProcessInfo_v1_t
struct ProcessInfoV1 {
  uint32_t pid;
  uint64_t used_gpu_memory;
};
static_assert(sizeof(ProcessInfoV1) == 16);

// nvmlProcessInfo_v2_t, nvmlProcessInfo_t; kNoInstanceId twice for a process outside MIG.
struct ProcessInfo {
  uint32_t pid;
  uint64_t used_gpu_memory;
  uint32_t gpu_instance_id;
  uint32_t compute_instance_id;
};
static_assert(sizeof(ProcessInfo) == 24 && offsetof(ProcessInfo, gpu_instance_id) == 16);

// nvmlEventData_t
struct EventData {
  Device device;
  uint64_t event_type;
  uint64_t event_data;  // the number of an Xid
  uint32_t gpu_instance_id;
  uint32_t compute_instance_id;
};
static_assert(sizeof(EventData) == 32 && offsetof(EventData, event_type) == 8);
static_assert(offsetof(EventData, event_data) == 16 && offsetof(EventData, gpu_instance_id) == 24);

// What nvmlEventSetWait without suffix fills: the struct before events named instances.
struct EventDataV1 {
  Device device;
  uint64_t event_type;
  uint64_t event_data;
};
static_assert(sizeof(EventDataV1) == offsetof(EventData, gpu_instance_id));

constexpr uint64_t kEventXidCriticalError = 0x8;   // nvmlEventTypeXidCriticalError
constexpr uint64_t kEventMigConfigChange = 0x100;  // nvmlEventMigConfigChange

// nvmlFieldValue_t; the value's type says which member of the union holds it.
struct FieldValue {
  uint32_t field_id;
  uint32_t scope_id;
  int64_t timestamp;
  int64_t latency_usec;
  uint32_t value_type;
  int32_t nvml_return;
  union {
    double double_value;
    uint32_t uint_value;
    uint64_t ulonglong_value;
  };
};
static_assert(sizeof(FieldValue) == 40 && offsetof(FieldValue, value_type) == 24);
static_assert(offsetof(FieldValue, double_value) == 32);
constexpr uint32_t kValueTypeUnsignedInt = 1;  // NVML_VALUE_TYPE_UNSIGNED_INT
// NVML_FI_DEV_IS_RESETLESS_MIG_SUPPORTED, NVML_FI_DEV_IS_MIG_MODE_INDEPENDENT_MIG_QUERY_CAPABLE
constexpr uint32_t kFieldResetlessMig = 184;
constexpr uint32_t kFieldMigQueryWithMigOff = 199;

// nvmlGpmSupport_t
struct GpmSupport {
  uint32_t version;
  uint32_t is_supported_device;
};
static_assert(sizeof(GpmSupport) == 8);
constexpr uint32_t kGpmSupportVersion = 1;  // NVML_GPM_SUPPORT_VERSION

constexpr uint32_t kMigDisabled = 0;  // NVML_DEVICE_MIG_DISABLE
constexpr uint32_t kMigEnabled = 1;   // NVML_DEVICE_MIG_ENABLE

constexpr size_t kUuidSize = 96;     // NVML_DEVICE_UUID_V2_BUFFER_SIZE
constexpr size_t kNameSize = 96;     // NVML_DEVICE_NAME_V2_BUFFER_SIZE
constexpr size_t kVersionSize = 80;  // NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE

// nvmlReturn_t of the profile loops: indices run from 0 until INVALID_ARGUMENT. Newer drivers have
// more than this, so loops are bounded by a number that no driver will reach.
constexpr uint32_t kMaxProfileIndex = 256;

}  // namespace flexmig::nvml_abi
