#pragma once

#include <cstddef>
#include <cstdint>

// The types and constants of CUDA's driver API as the x86-64 and AArch64 Linux libraries use them,
// written down from the public description of the interface. Source of every layout, size and
// value: cuda.h of CUDA 13.0 (https://docs.nvidia.com/cuda/cuda-driver-api, "Data types used by
// CUDA driver"), compiled and measured; abi_test.cc compares them with the header where there is
// one. The comment at each gives CUDA's own name for it. C enums are 4 bytes wide.

namespace flexmig::cuda_abi {

// Handles: pointers to structs of the driver's own.
using Context = struct ContextTag*;      // CUcontext
using Module = struct ModuleTag*;        // CUmodule
using Function = struct FunctionTag*;    // CUfunction
using Stream = struct StreamTag*;        // CUstream
using Event = struct EventTag*;          // CUevent
using Graph = struct GraphTag*;          // CUgraph
using GraphExec = struct GraphExecTag*;  // CUgraphExec
using GraphNode = struct GraphNodeTag*;  // CUgraphNode
using Array = struct ArrayTag*;          // CUarray

using Device = int32_t;          // CUdevice
using DevicePointer = uint64_t;  // CUdeviceptr

using HostFunction = void (*)(void* user_data);  // CUhostFn

// CUuuid
struct Uuid {
  char bytes[16];
};
static_assert(sizeof(Uuid) == 16 && alignof(Uuid) == 1);

// CUstream's special values: 0 is the legacy default stream too, unless a program is compiled
// otherwise.
inline constexpr uintptr_t kLegacyStream = 1;     // CU_STREAM_LEGACY
inline constexpr uintptr_t kPerThreadStream = 2;  // CU_STREAM_PER_THREAD

// CUdevice_attribute, those that are used here.
enum class DeviceAttribute : int32_t {
  kMaxThreadsPerBlock = 1,
  kMaxBlockDimX = 2,
  kMaxBlockDimY = 3,
  kMaxBlockDimZ = 4,
  kMaxGridDimX = 5,
  kMaxGridDimY = 6,
  kMaxGridDimZ = 7,
  kMaxSharedMemoryPerBlock = 8,
  kTotalConstantMemory = 9,
  kWarpSize = 10,
  kMaxPitch = 11,
  kMaxRegistersPerBlock = 12,
  kClockRate = 13,  // kHz
  kGpuOverlap = 15,
  kMultiprocessorCount = 16,
  kIntegrated = 18,
  kCanMapHostMemory = 19,
  kComputeMode = 20,
  kConcurrentKernels = 31,
  kEccEnabled = 32,
  kPciBusId = 33,
  kPciDeviceId = 34,
  kMemoryClockRate = 36,       // kHz
  kGlobalMemoryBusWidth = 37,  // bits
  kL2CacheSize = 38,
  kMaxThreadsPerMultiprocessor = 39,
  kAsyncEngineCount = 40,
  kUnifiedAddressing = 41,
  kPciDomainId = 50,
  kComputeCapabilityMajor = 75,
  kComputeCapabilityMinor = 76,
  kStreamPrioritiesSupported = 78,
  kManagedMemory = 83,
  kMultiGpuBoard = 84,
  kPageableMemoryAccess = 88,
  kConcurrentManagedAccess = 89,
  kCanUseHostPointerForRegisteredMem = 91,
  kCanUseStreamMemOpsV1 = 92,
  kCanUse64BitStreamMemOpsV1 = 93,
  kCanUseStreamWaitValueNorV1 = 94,
  kCooperativeLaunch = 95,
  kHostRegisterSupported = 99,
  kVirtualMemoryManagementSupported = 102,
  kMemoryPoolsSupported = 115,
  kGpuDirectRdmaSupported = 116,
  kCanUse64BitStreamMemOps = 122,
  kCanUseStreamWaitValueNor = 123,
  kDmaBufSupported = 124,
  kNumaConfig = 130,
  kNumaId = 131,  // of the GPU's own memory, where that is a NUMA node
  kMulticastSupported = 132,
  kHostNumaId = 134,  // of the host memory near the GPU; -1: unknown
};

// CUpointer_attribute, those that are used here, with the type behind the pointer.
enum class PointerAttribute : int32_t {
  kContext = 1,          // Context
  kMemoryType = 2,       // uint32_t, MemoryType
  kDevicePointer = 3,    // DevicePointer
  kHostPointer = 4,      // void*
  kBufferId = 7,         // uint64_t
  kIsManaged = 8,        // uint32_t
  kDeviceOrdinal = 9,    // int32_t
  kRangeStartAddr = 11,  // DevicePointer
  kRangeSize = 12,       // size_t
  kMapped = 13,          // uint32_t
};

// CUmemorytype
enum class MemoryType : int32_t { kHost = 1, kDevice = 2, kArray = 3, kUnified = 4 };

// cuMemHostRegister's flags, CU_MEMHOSTREGISTER_*; cuMemHostAlloc's first two have these values
// too.
inline constexpr uint32_t kHostPortable = 1;
inline constexpr uint32_t kHostDeviceMap = 2;
inline constexpr uint32_t kHostAllocWriteCombined = 4;  // CU_MEMHOSTALLOC_WRITECOMBINED
inline constexpr uint32_t kHostRegisterIoMemory = 4;    // CU_MEMHOSTREGISTER_IOMEMORY
inline constexpr uint32_t kHostRegisterReadOnly = 8;    // CU_MEMHOSTREGISTER_READ_ONLY

// CUstream_flags, CUevent_flags
inline constexpr uint32_t kStreamNonBlocking = 1;
inline constexpr uint32_t kEventBlockingSync = 1;
inline constexpr uint32_t kEventDisableTiming = 2;
inline constexpr uint32_t kEventInterprocess = 4;

// CUstreamWaitValue_flags: comparisons of *address (a) with the value (v).
inline constexpr uint32_t kWaitValueGreaterOrEqual = 0;  // (signed)(a - v) >= 0: cyclic
inline constexpr uint32_t kWaitValueEqual = 1;
inline constexpr uint32_t kWaitValueAnd = 2;  // (a & v) != 0
inline constexpr uint32_t kWaitValueNor = 3;  // ~(a | v) != 0
inline constexpr uint32_t kWaitValueFlush = 1u << 30;
// CUstreamWriteValue_flags
inline constexpr uint32_t kWriteValueNoMemoryBarrier = 1;

// CUstreamCaptureStatus, CUstreamCaptureMode
enum class CaptureStatus : int32_t { kNone = 0, kActive = 1, kInvalidated = 2 };
enum class CaptureMode : int32_t { kGlobal = 0, kThreadLocal = 1, kRelaxed = 2 };

// CUdriverProcAddressQueryResult, and CUdriverProcAddress_flags
enum class ProcAddressResult : int32_t { kSuccess = 0, kNotFound = 1, kVersionNotSufficient = 2 };
inline constexpr uint64_t kProcAddressLegacyStream = 1;
inline constexpr uint64_t kProcAddressPerThreadStream = 2;

// CUDA_MEMCPY2D_v2
struct Memcpy2D {
  size_t source_x_bytes;
  size_t source_y;
  MemoryType source_type;
  const void* source_host;
  DevicePointer source_device;  // kUnified: any address
  Array source_array;
  size_t source_pitch;
  size_t target_x_bytes;
  size_t target_y;
  MemoryType target_type;
  void* target_host;
  DevicePointer target_device;
  Array target_array;
  size_t target_pitch;
  size_t width_bytes;
  size_t height;
};
static_assert(sizeof(Memcpy2D) == 128);
static_assert(offsetof(Memcpy2D, source_host) == 24 && offsetof(Memcpy2D, source_pitch) == 48);
static_assert(offsetof(Memcpy2D, target_host) == 80 && offsetof(Memcpy2D, width_bytes) == 112);

// CUDA_GRAPH_INSTANTIATE_PARAMS
struct GraphInstantiateParams {
  uint64_t flags;
  Stream upload_stream;
  GraphNode error_node;  // out
  int32_t result;        // out, CUgraphInstantiateResult; 0: success
};
static_assert(sizeof(GraphInstantiateParams) == 32 &&
              offsetof(GraphInstantiateParams, result) == 24);

// CUgraphEdgeData: what an edge of a graph is; only its pointer is used here.
struct GraphEdgeData;

}  // namespace flexmig::cuda_abi
