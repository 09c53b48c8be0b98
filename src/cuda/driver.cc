#include "flexmig/cuda/driver.h"

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"

#include "functions.h"
#include "result_status.h"

namespace flexmig::cuda {
namespace {

using cuda_abi::CaptureMode;
using cuda_abi::CaptureStatus;
using cuda_abi::MemoryType;
using cuda_abi::PointerAttribute;
using cuda_abi::ResultCode;

// Handles are the driver's own pointers.
template <typename Pointer, typename Handle>
Pointer To(Handle handle) {
  return reinterpret_cast<Pointer>(static_cast<uintptr_t>(handle));
}
template <typename Handle, typename Pointer>
Handle From(Pointer pointer) {
  return static_cast<Handle>(reinterpret_cast<uintptr_t>(pointer));
}

cuda_abi::Stream Raw(Stream stream) { return To<cuda_abi::Stream>(stream); }
cuda_abi::Event Raw(Event event) { return To<cuda_abi::Event>(event); }

// One address space for host and devices.
cuda_abi::DevicePointer Address(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

}  // namespace

Result<const Driver*> Driver::Load() {
  // Never destroyed: clients call the driver from their exit handlers.
  static const auto* const driver =
      new Result<const Driver*>(LoadFrom(GetEnv("FLEXMIG_CUDA_PATH").value_or("libcuda.so.1")));
  return *driver;
}

Result<const Driver*> Driver::LoadFrom(const std::string& library) {
  FLEXMIG_ASSIGN_OR_RETURN(const Functions* functions, Functions::Load(library));
  return &functions->driver;
}

int Driver::version() const { return functions_.version; }

Result<Context> Driver::CurrentOrPrimary() const {
  cuda_abi::Context context = nullptr;
  FLEXMIG_RETURN_IF_ERROR(ToStatus(functions_.context_get(&context), "cuCtxGetCurrent"));
  if (context != nullptr) return From<Context>(context);
  return Primary(0);
}

Result<Context> Driver::Primary(int ordinal) const {
  cuda_abi::Device device = 0;
  FLEXMIG_RETURN_IF_ERROR(ToStatus(functions_.device_get(&device, ordinal), "cuDeviceGet"));
  cuda_abi::Context context = nullptr;
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(functions_.primary_retain(&context, device), "cuDevicePrimaryCtxRetain"));
  FLEXMIG_RETURN_IF_ERROR(SetCurrent(From<Context>(context)));
  return From<Context>(context);
}

Status Driver::SetCurrent(Context context) const {
  return ToStatus(functions_.context_set(To<cuda_abi::Context>(context)), "cuCtxSetCurrent");
}

Result<int> Driver::DeviceCount() const {
  int32_t count = 0;
  FLEXMIG_RETURN_IF_ERROR(ToStatus(functions_.device_count(&count), "cuDeviceGetCount"));
  return count;
}

Status Driver::RegisterHost(std::span<std::byte> memory) const {
  return ToStatus(functions_.host_register(memory.data(), memory.size(),
                                           cuda_abi::kHostPortable | cuda_abi::kHostDeviceMap),
                  "cuMemHostRegister");
}

Status Driver::UnregisterHost(const std::byte* memory) const {
  return ToStatus(functions_.host_unregister(const_cast<std::byte*>(memory)),
                  "cuMemHostUnregister");
}

Result<uint64_t> Driver::DeviceAddressOf(const void* registered) const {
  cuda_abi::DevicePointer address = 0;
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(functions_.host_device_pointer(&address, const_cast<void*>(registered), 0),
               "cuMemHostGetDevicePointer"));
  return address;
}

Result<PointerFacts> Driver::FactsOf(const void* pointer) const {
  uint32_t type = 0;
  uint32_t is_managed = 0;
  int32_t device = -1;
  PointerAttribute attributes[] = {PointerAttribute::kMemoryType, PointerAttribute::kIsManaged,
                                   PointerAttribute::kDeviceOrdinal};
  void* values[] = {&type, &is_managed, &device};
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(functions_.pointer_attributes(3, attributes, values, Address(pointer)),
               "cuPointerGetAttributes"));
  PointerFacts facts;
  if (is_managed != 0) {
    facts.kind = PointerFacts::Kind::kManaged;
  } else if (type == static_cast<uint32_t>(MemoryType::kDevice)) {
    facts.kind = PointerFacts::Kind::kDevice;
  } else if (type == static_cast<uint32_t>(MemoryType::kHost)) {
    facts.kind = PointerFacts::Kind::kHost;
  } else {
    return facts;
  }
  facts.device = device;
  return facts;
}

Result<void*> Driver::Allocate(size_t bytes) const {
  cuda_abi::DevicePointer address = 0;
  FLEXMIG_RETURN_IF_ERROR(ToStatus(functions_.allocate(&address, bytes), "cuMemAlloc"));
  return reinterpret_cast<void*>(address);
}

Status Driver::Free(void* device_memory) const {
  return ToStatus(functions_.free(Address(device_memory)), "cuMemFree");
}

Result<Stream> Driver::CreateStream() const {
  int32_t least = 0;
  int32_t greatest = 0;
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(functions_.priority_range(&least, &greatest), "cuCtxGetStreamPriorityRange"));
  cuda_abi::Stream stream = nullptr;
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(functions_.stream_create(&stream, cuda_abi::kStreamNonBlocking, greatest),
               "cuStreamCreateWithPriority"));
  return From<Stream>(stream);
}

Status Driver::DestroyStream(Stream stream) const {
  return ToStatus(functions_.stream_destroy(Raw(stream)), "cuStreamDestroy");
}

Status Driver::Synchronize(Stream stream) const {
  return ToStatus(functions_.stream_synchronize(Raw(stream)), "cuStreamSynchronize");
}

Result<Event> Driver::CreateEvent() const {
  cuda_abi::Event event = nullptr;
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(functions_.event_create(&event, cuda_abi::kEventDisableTiming), "cuEventCreate"));
  return From<Event>(event);
}

Status Driver::DestroyEvent(Event event) const {
  return ToStatus(functions_.event_destroy(Raw(event)), "cuEventDestroy");
}

Status Driver::Record(Event event, Stream stream) const {
  return ToStatus(functions_.event_record(Raw(event), Raw(stream)), "cuEventRecord");
}

Result<bool> Driver::IsDone(Event event) const {
  const ResultCode code = functions_.event_query(Raw(event));
  if (code == ResultCode::kNotReady) return false;
  FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "cuEventQuery"));
  return true;
}

Status Driver::Copy(void* to, const void* from, size_t bytes, Stream stream) const {
  return ToStatus(functions_.copy(Address(to), Address(from), bytes, Raw(stream)), "cuMemcpyAsync");
}

Status Driver::CopyRows(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                        size_t row_bytes, size_t rows, Stream stream) const {
  cuda_abi::Memcpy2D copy{};
  copy.source_type = MemoryType::kUnified;
  copy.source_device = Address(from);
  copy.source_pitch = from_pitch;
  copy.target_type = MemoryType::kUnified;
  copy.target_device = Address(to);
  copy.target_pitch = to_pitch;
  copy.width_bytes = row_bytes;
  copy.height = rows;
  return ToStatus(functions_.copy_rows(&copy, Raw(stream)), "cuMemcpy2DAsync");
}

Status Driver::WriteValue(Stream stream, uint64_t address, uint64_t value) const {
  if (functions_.write_value == nullptr) {
    return UnimplementedError("the driver lacks cuStreamWriteValue64");
  }
  return ToStatus(functions_.write_value(Raw(stream), address, value, 0), "cuStreamWriteValue64");
}

Status Driver::AwaitValue(Stream stream, uint64_t address, uint64_t value,
                          Comparison comparison) const {
  if (functions_.wait_value == nullptr) {
    return UnimplementedError("the driver lacks cuStreamWaitValue64");
  }
  const uint32_t flags = comparison == Comparison::kEqual ? cuda_abi::kWaitValueEqual
                                                          : cuda_abi::kWaitValueGreaterOrEqual;
  return ToStatus(functions_.wait_value(Raw(stream), address, value, flags), "cuStreamWaitValue64");
}

Result<CaptureState> Driver::CaptureOf(Stream stream) const {
  auto status = CaptureStatus::kNone;
  CaptureState state;
  const ResultCode code =
      functions_.capture_info_v2 != nullptr
          ? functions_.capture_info_v2(Raw(stream), &status, &state.id, nullptr, nullptr, nullptr)
          : functions_.capture_info_v1(Raw(stream), &status, &state.id);
  FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "cuStreamGetCaptureInfo"));
  switch (status) {
    case CaptureStatus::kNone: return CaptureState{};
    case CaptureStatus::kActive: state.kind = CaptureState::Kind::kActive; break;
    case CaptureStatus::kInvalidated: state.kind = CaptureState::Kind::kInvalidated; break;
  }
  return state;
}

Status Driver::IgnoreCaptures() const {
  auto mode = CaptureMode::kRelaxed;
  return ToStatus(functions_.exchange_capture_mode(&mode), "cuThreadExchangeStreamCaptureMode");
}

Result<Module> Driver::LoadModule(const std::string& ptx) const {
  cuda_abi::Module module = nullptr;
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(functions_.module_load(&module, ptx.c_str()), "cuModuleLoadData"));
  return From<Module>(module);
}

Result<Function> Driver::FindFunction(Module module, const char* name) const {
  cuda_abi::Function function = nullptr;
  FLEXMIG_RETURN_IF_ERROR(
      ToStatus(functions_.module_function(&function, To<cuda_abi::Module>(module), name),
               "cuModuleGetFunction"));
  return From<Function>(function);
}

Status Driver::Launch(Function function, unsigned blocks, unsigned threads_per_block,
                      std::span<void* const> arguments, Stream stream) const {
  // The driver's parameter is not const, but it only reads.
  return ToStatus(
      functions_.launch(To<cuda_abi::Function>(function), blocks, 1, 1, threads_per_block, 1, 1, 0,
                        Raw(stream), const_cast<void**>(arguments.data()), nullptr),
      "cuLaunchKernel");
}

}  // namespace flexmig::cuda
