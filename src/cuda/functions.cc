#include "functions.h"

#include <memory>
#include <mutex>
#include <vector>

#include <dlfcn.h>

#include "flexmig/base/strings.h"
#include "flexmig/base/symbol_resolver.h"

#include "result_status.h"

namespace flexmig::cuda {

using cuda_abi::ResultCode;

Result<const Driver::Functions*> Driver::Functions::Load(const std::string& library) {
  void* const loaded = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) {
    const char* reason = ::dlerror();
    return UnavailableError(
        StrCat("CUDA's driver cannot be loaded: ", reason == nullptr ? library.c_str() : reason,
               " (FLEXMIG_CUDA_PATH names another one)"));
  }
  auto functions = std::make_unique<Functions>();
  Functions& f = *functions;
  SymbolResolver resolver([loaded](const char* name) { return ::dlsym(loaded, name); });
  resolver.Required(f.init, {"cuInit"});
  resolver.Required(f.driver_version, {"cuDriverGetVersion"});

  resolver.Required(f.device_get, {"cuDeviceGet"});
  resolver.Required(f.device_count, {"cuDeviceGetCount"});
  resolver.Required(f.device_name, {"cuDeviceGetName"});
  resolver.Required(f.device_uuid, {"cuDeviceGetUuid_v2", "cuDeviceGetUuid"});
  resolver.Required(f.device_attribute, {"cuDeviceGetAttribute"});
  resolver.Required(f.device_pci_bus_id, {"cuDeviceGetPCIBusId"});

  resolver.Required(f.primary_retain, {"cuDevicePrimaryCtxRetain"});
  resolver.Required(f.context_get, {"cuCtxGetCurrent"});
  resolver.Required(f.context_set, {"cuCtxSetCurrent"});
  resolver.Required(f.context_device, {"cuCtxGetDevice"});
  resolver.Required(f.priority_range, {"cuCtxGetStreamPriorityRange"});

  resolver.Required(f.allocate, {"cuMemAlloc_v2"});
  resolver.Required(f.free, {"cuMemFree_v2"});
  resolver.Required(f.host_register, {"cuMemHostRegister_v2", "cuMemHostRegister"});
  resolver.Required(f.host_unregister, {"cuMemHostUnregister"});
  resolver.Required(f.host_device_pointer, {"cuMemHostGetDevicePointer_v2"});
  resolver.Required(f.pointer_attributes, {"cuPointerGetAttributes"});

  resolver.Required(f.stream_create, {"cuStreamCreateWithPriority"});
  resolver.Required(f.stream_destroy, {"cuStreamDestroy_v2"});
  resolver.Required(f.stream_synchronize, {"cuStreamSynchronize"});
  resolver.Required(f.event_create, {"cuEventCreate"});
  resolver.Required(f.event_destroy, {"cuEventDestroy_v2"});
  resolver.Required(f.event_record, {"cuEventRecord"});
  resolver.Required(f.event_query, {"cuEventQuery"});

  resolver.Required(f.copy, {"cuMemcpyAsync"});
  resolver.Required(f.copy_rows, {"cuMemcpy2DAsync_v2"});
  resolver.Optional(f.write_value, {"cuStreamWriteValue64_v2"});
  resolver.Optional(f.wait_value, {"cuStreamWaitValue64_v2"});
  f.has_wait_v2 = f.write_value != nullptr && f.wait_value != nullptr;
  if (!f.has_wait_v2) {
    resolver.Optional(f.write_value, {"cuStreamWriteValue64"});
    resolver.Optional(f.wait_value, {"cuStreamWaitValue64"});
  }

  resolver.Optional(f.capture_info_v2, {"cuStreamGetCaptureInfo_v2"});
  if (f.capture_info_v2 == nullptr) {
    resolver.Required(f.capture_info_v1, {"cuStreamGetCaptureInfo"});
  }
  resolver.Required(f.exchange_capture_mode, {"cuThreadExchangeStreamCaptureMode"});

  resolver.Required(f.module_load, {"cuModuleLoadData"});
  resolver.Required(f.module_function, {"cuModuleGetFunction"});
  resolver.Required(f.launch, {"cuLaunchKernel"});
  if (!resolver.missing().empty()) {
    return UnimplementedError(
        StrCat(library, " lacks ", StrJoin(resolver.missing(), ", "), ": the driver is too old"));
  }

  if (const ResultCode code = f.init(0); code != ResultCode::kSuccess) {
    return UnavailableError(StrCat(library, ": ", ToStatus(code, "cuInit").message()));
  }
  int32_t version = 0;
  FLEXMIG_RETURN_IF_ERROR(ToStatus(f.driver_version(&version), "cuDriverGetVersion"));
  f.version = version;
  // Reachable for ever, so that leak checkers do not take it for lost.
  static std::mutex mutex;
  static auto* const all = new std::vector<std::unique_ptr<const Functions>>;
  const std::lock_guard lock(mutex);
  return all->emplace_back(std::move(functions)).get();
}

}  // namespace flexmig::cuda
