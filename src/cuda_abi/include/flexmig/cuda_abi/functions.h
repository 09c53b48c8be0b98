#pragma once

#include "flexmig/cuda_abi/result_code.h"
#include "flexmig/cuda_abi/types.h"

// CUDA's driver functions as far as Flex-MIG or the clients of its simulated library call them, by
// the names under which libcuda.so.1 exports them: the suffixes are part of the ABI, since a later
// version may have other parameters. Nothing here is linked: the seam takes the types of these
// declarations for what it finds with dlsym, the simulated library defines them. Source: cuda.h of
// CUDA 13.0 with __CUDA_API_VERSION_INTERNAL defined, which declares the older versions as well;
// abi_test.cc compares them with the header where there is one.

// CUDA's names, not ours. NOLINTBEGIN(readability-identifier-naming)
namespace flexmig::cuda_abi {
extern "C" {

// Library
ResultCode cuInit(uint32_t flags) noexcept;
ResultCode cuDriverGetVersion(int32_t* version) noexcept;
ResultCode cuGetErrorName(ResultCode error, const char** text) noexcept;
ResultCode cuGetErrorString(ResultCode error, const char** text) noexcept;
ResultCode cuGetProcAddress(const char* symbol, void** function, int32_t cuda_version,
                            uint64_t flags) noexcept;
ResultCode cuGetProcAddress_v2(const char* symbol, void** function, int32_t cuda_version,
                               uint64_t flags, ProcAddressResult* result) noexcept;

// Devices
ResultCode cuDeviceGet(Device* device, int32_t ordinal) noexcept;
ResultCode cuDeviceGetCount(int32_t* count) noexcept;
ResultCode cuDeviceGetName(char* name, int32_t length, Device device) noexcept;
ResultCode cuDeviceGetUuid(Uuid* uuid, Device device) noexcept;     // the GPU's, since CUDA 9.2
ResultCode cuDeviceGetUuid_v2(Uuid* uuid, Device device) noexcept;  // MIG device's, since 11.4
ResultCode cuDeviceTotalMem_v2(size_t* bytes, Device device) noexcept;
ResultCode cuDeviceGetAttribute(int32_t* value, DeviceAttribute attribute, Device device) noexcept;
ResultCode cuDeviceGetPCIBusId(char* bus_id, int32_t length, Device device) noexcept;
ResultCode cuDeviceGetByPCIBusId(Device* device, const char* bus_id) noexcept;
ResultCode cuDeviceCanAccessPeer(int32_t* can, Device device, Device peer) noexcept;

// Contexts
ResultCode cuDevicePrimaryCtxRetain(Context* context, Device device) noexcept;
ResultCode cuDevicePrimaryCtxRelease_v2(Device device) noexcept;
ResultCode cuDevicePrimaryCtxGetState(Device device, uint32_t* flags, int32_t* active) noexcept;
ResultCode cuDevicePrimaryCtxSetFlags_v2(Device device, uint32_t flags) noexcept;
ResultCode cuDevicePrimaryCtxReset_v2(Device device) noexcept;
ResultCode cuCtxCreate_v2(Context* context, uint32_t flags, Device device) noexcept;
ResultCode cuCtxDestroy_v2(Context context) noexcept;
ResultCode cuCtxSetCurrent(Context context) noexcept;
ResultCode cuCtxGetCurrent(Context* context) noexcept;
ResultCode cuCtxPushCurrent_v2(Context context) noexcept;
ResultCode cuCtxPopCurrent_v2(Context* context) noexcept;
ResultCode cuCtxGetDevice(Device* device) noexcept;
ResultCode cuCtxGetFlags(uint32_t* flags) noexcept;
ResultCode cuCtxGetApiVersion(Context context, uint32_t* version) noexcept;
ResultCode cuCtxSynchronize() noexcept;
ResultCode cuCtxGetStreamPriorityRange(int32_t* least, int32_t* greatest) noexcept;

// Memory
ResultCode cuMemAlloc_v2(DevicePointer* pointer, size_t bytes) noexcept;
ResultCode cuMemFree_v2(DevicePointer pointer) noexcept;
ResultCode cuMemGetInfo_v2(size_t* free, size_t* total) noexcept;
ResultCode cuMemGetAddressRange_v2(DevicePointer* base, size_t* bytes,
                                   DevicePointer pointer) noexcept;
ResultCode cuMemAllocHost_v2(void** pointer, size_t bytes) noexcept;
ResultCode cuMemHostAlloc(void** pointer, size_t bytes, uint32_t flags) noexcept;
ResultCode cuMemFreeHost(void* pointer) noexcept;
ResultCode cuMemHostRegister_v2(void* pointer, size_t bytes, uint32_t flags) noexcept;
ResultCode cuMemHostUnregister(void* pointer) noexcept;
ResultCode cuMemHostGetDevicePointer_v2(DevicePointer* device_pointer, void* pointer,
                                        uint32_t flags) noexcept;
ResultCode cuMemHostGetFlags(uint32_t* flags, void* pointer) noexcept;
ResultCode cuPointerGetAttribute(void* data, PointerAttribute attribute,
                                 DevicePointer pointer) noexcept;
ResultCode cuPointerGetAttributes(uint32_t count, PointerAttribute* attributes, void** data,
                                  DevicePointer pointer) noexcept;

// Copies
ResultCode cuMemcpy(DevicePointer to, DevicePointer from, size_t bytes) noexcept;
ResultCode cuMemcpyHtoD_v2(DevicePointer to, const void* from, size_t bytes) noexcept;
ResultCode cuMemcpyDtoH_v2(void* to, DevicePointer from, size_t bytes) noexcept;
ResultCode cuMemcpyDtoD_v2(DevicePointer to, DevicePointer from, size_t bytes) noexcept;
ResultCode cuMemcpyAsync(DevicePointer to, DevicePointer from, size_t bytes,
                         Stream stream) noexcept;
ResultCode cuMemcpyHtoDAsync_v2(DevicePointer to, const void* from, size_t bytes,
                                Stream stream) noexcept;
ResultCode cuMemcpyDtoHAsync_v2(void* to, DevicePointer from, size_t bytes, Stream stream) noexcept;
ResultCode cuMemcpyDtoDAsync_v2(DevicePointer to, DevicePointer from, size_t bytes,
                                Stream stream) noexcept;
ResultCode cuMemcpy2D_v2(const Memcpy2D* copy) noexcept;
ResultCode cuMemcpy2DAsync_v2(const Memcpy2D* copy, Stream stream) noexcept;
ResultCode cuMemsetD8_v2(DevicePointer to, unsigned char value, size_t count) noexcept;
ResultCode cuMemsetD8Async(DevicePointer to, unsigned char value, size_t count,
                           Stream stream) noexcept;
ResultCode cuMemsetD32_v2(DevicePointer to, uint32_t value, size_t count) noexcept;
ResultCode cuMemsetD32Async(DevicePointer to, uint32_t value, size_t count, Stream stream) noexcept;

// Streams
ResultCode cuStreamCreate(Stream* stream, uint32_t flags) noexcept;
ResultCode cuStreamCreateWithPriority(Stream* stream, uint32_t flags, int32_t priority) noexcept;
ResultCode cuStreamDestroy_v2(Stream stream) noexcept;
ResultCode cuStreamSynchronize(Stream stream) noexcept;
ResultCode cuStreamQuery(Stream stream) noexcept;
ResultCode cuStreamGetCtx(Stream stream, Context* context) noexcept;
ResultCode cuStreamGetFlags(Stream stream, uint32_t* flags) noexcept;
ResultCode cuStreamGetPriority(Stream stream, int32_t* priority) noexcept;
ResultCode cuStreamWaitEvent(Stream stream, Event event, uint32_t flags) noexcept;
ResultCode cuStreamWriteValue32_v2(Stream stream, DevicePointer address, uint32_t value,
                                   uint32_t flags) noexcept;
ResultCode cuStreamWriteValue64_v2(Stream stream, DevicePointer address, uint64_t value,
                                   uint32_t flags) noexcept;
ResultCode cuStreamWaitValue32_v2(Stream stream, DevicePointer address, uint32_t value,
                                  uint32_t flags) noexcept;
ResultCode cuStreamWaitValue64_v2(Stream stream, DevicePointer address, uint64_t value,
                                  uint32_t flags) noexcept;
// Of CUDA 8 to 11.6, with the same parameters; some drivers offered them only on request.
ResultCode cuStreamWriteValue64(Stream stream, DevicePointer address, uint64_t value,
                                uint32_t flags) noexcept;
ResultCode cuStreamWaitValue64(Stream stream, DevicePointer address, uint64_t value,
                               uint32_t flags) noexcept;
ResultCode cuLaunchHostFunc(Stream stream, HostFunction function, void* user_data) noexcept;

// Events
ResultCode cuEventCreate(Event* event, uint32_t flags) noexcept;
ResultCode cuEventDestroy_v2(Event event) noexcept;
ResultCode cuEventRecord(Event event, Stream stream) noexcept;
ResultCode cuEventRecordWithFlags(Event event, Stream stream, uint32_t flags) noexcept;
ResultCode cuEventQuery(Event event) noexcept;
ResultCode cuEventSynchronize(Event event) noexcept;
ResultCode cuEventElapsedTime(float* milliseconds, Event start, Event end) noexcept;
ResultCode cuEventElapsedTime_v2(float* milliseconds, Event start, Event end) noexcept;

// Captures and graphs
ResultCode cuStreamBeginCapture_v2(Stream stream, CaptureMode mode) noexcept;
ResultCode cuStreamEndCapture(Stream stream, Graph* graph) noexcept;
ResultCode cuStreamIsCapturing(Stream stream, CaptureStatus* status) noexcept;
ResultCode cuStreamGetCaptureInfo(Stream stream, CaptureStatus* status, uint64_t* id) noexcept;
ResultCode cuStreamGetCaptureInfo_v2(Stream stream, CaptureStatus* status, uint64_t* id,
                                     Graph* graph, const GraphNode** dependencies,
                                     size_t* count) noexcept;
ResultCode cuStreamGetCaptureInfo_v3(Stream stream, CaptureStatus* status, uint64_t* id,
                                     Graph* graph, const GraphNode** dependencies,
                                     const GraphEdgeData** edges, size_t* count) noexcept;
ResultCode cuThreadExchangeStreamCaptureMode(CaptureMode* mode) noexcept;
ResultCode cuGraphInstantiate_v2(GraphExec* exec, Graph graph, GraphNode* error_node, char* log,
                                 size_t log_bytes) noexcept;
ResultCode cuGraphInstantiateWithFlags(GraphExec* exec, Graph graph, uint64_t flags) noexcept;
ResultCode cuGraphInstantiateWithParams(GraphExec* exec, Graph graph,
                                        GraphInstantiateParams* params) noexcept;
ResultCode cuGraphUpload(GraphExec exec, Stream stream) noexcept;
ResultCode cuGraphLaunch(GraphExec exec, Stream stream) noexcept;
ResultCode cuGraphExecDestroy(GraphExec exec) noexcept;
ResultCode cuGraphDestroy(Graph graph) noexcept;
ResultCode cuGraphGetNodes(Graph graph, GraphNode* nodes, size_t* count) noexcept;

// Kernels
ResultCode cuModuleLoadData(Module* module, const void* image) noexcept;
ResultCode cuModuleLoadDataEx(Module* module, const void* image, uint32_t option_count,
                              int32_t* options, void** values) noexcept;
ResultCode cuModuleUnload(Module module) noexcept;
ResultCode cuModuleGetFunction(Function* function, Module module, const char* name) noexcept;
ResultCode cuLaunchKernel(Function function, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z,
                          uint32_t block_x, uint32_t block_y, uint32_t block_z,
                          uint32_t shared_bytes, Stream stream, void** parameters,
                          void** extra) noexcept;

}  // extern "C"
}  // namespace flexmig::cuda_abi
// NOLINTEND(readability-identifier-naming)
