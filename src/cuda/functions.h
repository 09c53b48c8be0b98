#pragma once

#include <string>

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"
#include "flexmig/cuda_abi/functions.h"

namespace flexmig::cuda {

// The driver's functions that the seam calls, each in the highest version that the library has.
// Null where it has none and most work is possible without.
struct Driver::Functions {
  Functions() : driver(*this) {}
  Functions(const Functions&) = delete;
  Functions& operator=(const Functions&) = delete;

  const Driver driver;  // over these

  int version = 0;  // of CUDA, as the driver tells it

  decltype(&cuda_abi::cuInit) init = nullptr;
  decltype(&cuda_abi::cuDriverGetVersion) driver_version = nullptr;

  decltype(&cuda_abi::cuDeviceGet) device_get = nullptr;
  decltype(&cuda_abi::cuDeviceGetCount) device_count = nullptr;
  decltype(&cuda_abi::cuDeviceGetName) device_name = nullptr;
  decltype(&cuda_abi::cuDeviceGetUuid_v2) device_uuid = nullptr;
  decltype(&cuda_abi::cuDeviceGetAttribute) device_attribute = nullptr;
  decltype(&cuda_abi::cuDeviceGetPCIBusId) device_pci_bus_id = nullptr;

  decltype(&cuda_abi::cuDevicePrimaryCtxRetain) primary_retain = nullptr;
  decltype(&cuda_abi::cuCtxGetCurrent) context_get = nullptr;
  decltype(&cuda_abi::cuCtxSetCurrent) context_set = nullptr;
  decltype(&cuda_abi::cuCtxGetDevice) context_device = nullptr;
  decltype(&cuda_abi::cuCtxGetStreamPriorityRange) priority_range = nullptr;

  decltype(&cuda_abi::cuMemAlloc_v2) allocate = nullptr;
  decltype(&cuda_abi::cuMemFree_v2) free = nullptr;
  decltype(&cuda_abi::cuMemHostRegister_v2) host_register = nullptr;
  decltype(&cuda_abi::cuMemHostUnregister) host_unregister = nullptr;
  decltype(&cuda_abi::cuMemHostGetDevicePointer_v2) host_device_pointer = nullptr;
  decltype(&cuda_abi::cuPointerGetAttributes) pointer_attributes = nullptr;

  decltype(&cuda_abi::cuStreamCreateWithPriority) stream_create = nullptr;
  decltype(&cuda_abi::cuStreamDestroy_v2) stream_destroy = nullptr;
  decltype(&cuda_abi::cuStreamSynchronize) stream_synchronize = nullptr;
  decltype(&cuda_abi::cuEventCreate) event_create = nullptr;
  decltype(&cuda_abi::cuEventDestroy_v2) event_destroy = nullptr;
  decltype(&cuda_abi::cuEventRecord) event_record = nullptr;
  decltype(&cuda_abi::cuEventQuery) event_query = nullptr;

  decltype(&cuda_abi::cuMemcpyAsync) copy = nullptr;
  decltype(&cuda_abi::cuMemcpy2DAsync_v2) copy_rows = nullptr;
  // Without them Facts().has_wait_64 is false.
  decltype(&cuda_abi::cuStreamWriteValue64_v2) write_value = nullptr;
  decltype(&cuda_abi::cuStreamWaitValue64_v2) wait_value = nullptr;
  bool has_wait_v2 = false;

  // Of the same use; the first where there is one.
  decltype(&cuda_abi::cuStreamGetCaptureInfo_v2) capture_info_v2 = nullptr;
  decltype(&cuda_abi::cuStreamGetCaptureInfo) capture_info_v1 = nullptr;
  decltype(&cuda_abi::cuThreadExchangeStreamCaptureMode) exchange_capture_mode = nullptr;

  decltype(&cuda_abi::cuModuleLoadData) module_load = nullptr;
  decltype(&cuda_abi::cuModuleGetFunction) module_function = nullptr;
  decltype(&cuda_abi::cuLaunchKernel) launch = nullptr;

  // Loads the library, finds the functions and initialises the driver. The result is never freed:
  // drivers leave threads and handlers behind.
  // Errors: those of Driver::Load.
  static Result<const Functions*> Load(const std::string& library);
};

}  // namespace flexmig::cuda
