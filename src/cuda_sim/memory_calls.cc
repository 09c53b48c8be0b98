// Memory of devices and of the host.

#include <sys/mman.h>

#include "calls.h"
#include "transfer.h"

namespace flexmig::cuda_abi {

using cuda_sim::CheckNotCaptured;
using cuda_sim::HostMemory;
using cuda_sim::Process;
using cuda_sim::WithContext;
using SimContext = cuda_sim::Context;
using SimDevice = cuda_sim::Device;

namespace {

// All work of all contexts, as calls that take memory away wait for it.
ResultCode Settle(SimContext& context) {
  if (const auto code = CheckNotCaptured(); code != ResultCode::kSuccess) return code;
  context.Synchronize();
  return context.error();
}

// What is known of an address.
struct AddressFacts {
  bool is_known = false;
  MemoryType type = MemoryType::kHost;
  int32_t ordinal = 0;
  uint64_t base = 0;
  size_t bytes = 0;
};

AddressFacts FactsOf(const Process& process, const SimContext& context, uint64_t address) {
  if (const SimDevice* device = process.DeviceOf(address)) {
    const auto range = device->memory->Find(address);
    if (!range) return {};
    return {true, MemoryType::kDevice, device->ordinal, range->base, range->bytes};
  }
  const auto range = process.host_memory.Find(reinterpret_cast<const void*>(address));
  if (!range) return {};
  return {true, MemoryType::kHost, context.device().ordinal,
          reinterpret_cast<uintptr_t>(range->base), range->bytes};
}

template <typename T>
void Write(void* data, T value) {
  *static_cast<T*>(data) = value;
}

// kInvalidValue for an attribute that is not offered, or has no value for the address; then what it
// would be for an unknown address is written, as cuPointerGetAttributes wants it.
ResultCode Tell(const AddressFacts& facts, SimContext& context, uint64_t address,
                PointerAttribute attribute, void* data) {
  const bool is_host = facts.type == MemoryType::kHost;
  switch (attribute) {
    case PointerAttribute::kContext:
      Write(data, facts.is_known ? reinterpret_cast<Context>(&context) : nullptr);
      break;
    case PointerAttribute::kMemoryType:
      Write<uint32_t>(data, facts.is_known ? static_cast<uint32_t>(facts.type) : 0);
      break;
    case PointerAttribute::kDevicePointer: Write(data, facts.is_known ? address : 0); break;
    case PointerAttribute::kHostPointer:
      Write(data, facts.is_known && is_host ? reinterpret_cast<void*>(address) : nullptr);
      if (facts.is_known && !is_host) return ResultCode::kInvalidValue;
      break;
    case PointerAttribute::kBufferId: Write(data, facts.base); break;
    case PointerAttribute::kIsManaged: Write<uint32_t>(data, 0); break;
    case PointerAttribute::kDeviceOrdinal:
      // CUDA's word for "none".
      Write<int32_t>(data, facts.is_known ? facts.ordinal : -2);
      break;
    case PointerAttribute::kRangeStartAddr: Write(data, facts.base); break;
    case PointerAttribute::kRangeSize: Write(data, facts.bytes); break;
    case PointerAttribute::kMapped: Write<uint32_t>(data, facts.is_known ? 1 : 0); break;
    default: return ResultCode::kInvalidValue;
  }
  return facts.is_known ? ResultCode::kSuccess : ResultCode::kInvalidValue;
}

bool IsOffered(PointerAttribute attribute) {
  switch (attribute) {
    case PointerAttribute::kContext:
    case PointerAttribute::kMemoryType:
    case PointerAttribute::kDevicePointer:
    case PointerAttribute::kHostPointer:
    case PointerAttribute::kBufferId:
    case PointerAttribute::kIsManaged:
    case PointerAttribute::kDeviceOrdinal:
    case PointerAttribute::kRangeStartAddr:
    case PointerAttribute::kRangeSize:
    case PointerAttribute::kMapped: return true;
  }
  return false;
}

}  // namespace

extern "C" {

ResultCode cuMemAlloc_v2(DevicePointer* pointer, size_t bytes) noexcept {
  if (pointer == nullptr || bytes == 0) return ResultCode::kInvalidValue;
  return WithContext([&](Process&, SimContext& context) {
    if (const auto code = CheckNotCaptured(); code != ResultCode::kSuccess) return code;
    const uint64_t address = context.device().memory->Allocate(bytes);
    if (address == 0) return ResultCode::kOutOfMemory;
    *pointer = address;
    return ResultCode::kSuccess;
  });
}

ResultCode cuMemFree_v2(DevicePointer pointer) noexcept {
  return WithContext([&](Process& process, SimContext& context) {
    if (pointer == 0) return ResultCode::kSuccess;
    SimDevice* const device = process.DeviceOf(pointer);
    if (device == nullptr) return ResultCode::kInvalidValue;
    if (const auto code = Settle(context); code != ResultCode::kSuccess) return code;
    return device->memory->Free(pointer) ? ResultCode::kSuccess : ResultCode::kInvalidValue;
  });
}

ResultCode cuMemGetInfo_v2(size_t* free, size_t* total) noexcept {
  if (free == nullptr || total == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process&, SimContext& context) {
    *total = context.device().memory->capacity();
    *free = *total - context.device().memory->used();
    return ResultCode::kSuccess;
  });
}

ResultCode cuMemGetAddressRange_v2(DevicePointer* base, size_t* bytes,
                                   DevicePointer pointer) noexcept {
  return WithContext([&](Process& process, SimContext& context) {
    const AddressFacts facts = FactsOf(process, context, pointer);
    if (!facts.is_known) return ResultCode::kNotFound;
    if (base != nullptr) *base = facts.base;
    if (bytes != nullptr) *bytes = facts.bytes;
    return ResultCode::kSuccess;
  });
}

ResultCode cuMemHostAlloc(void** pointer, size_t bytes, uint32_t flags) noexcept {
  constexpr uint32_t kAll = kHostPortable | kHostDeviceMap | kHostAllocWriteCombined;
  if (pointer == nullptr || bytes == 0 || (flags & ~kAll) != 0) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext&) {
    if (const auto code = CheckNotCaptured(); code != ResultCode::kSuccess) return code;
    void* const mapped =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return ResultCode::kOutOfMemory;
    process.host_memory.Register({static_cast<std::byte*>(mapped), bytes, flags, true});
    *pointer = mapped;
    return ResultCode::kSuccess;
  });
}

ResultCode cuMemAllocHost_v2(void** pointer, size_t bytes) noexcept {
  return cuMemHostAlloc(pointer, bytes, 0);
}

ResultCode cuMemFreeHost(void* pointer) noexcept {
  return WithContext([&](Process& process, SimContext& context) {
    if (pointer == nullptr) return ResultCode::kSuccess;
    if (const auto code = Settle(context); code != ResultCode::kSuccess) return code;
    const auto range = process.host_memory.Unregister(pointer, true);
    if (!range) return ResultCode::kInvalidValue;
    ::munmap(range->base, range->bytes);
    return ResultCode::kSuccess;
  });
}

ResultCode cuMemHostRegister_v2(void* pointer, size_t bytes, uint32_t flags) noexcept {
  constexpr uint32_t kAll =
      kHostPortable | kHostDeviceMap | kHostRegisterIoMemory | kHostRegisterReadOnly;
  if (pointer == nullptr || bytes == 0 || (flags & ~kAll) != 0) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext&) {
    if (const auto code = CheckNotCaptured(); code != ResultCode::kSuccess) return code;
    if ((flags & (kHostRegisterIoMemory | kHostRegisterReadOnly)) != 0) {
      return ResultCode::kNotSupported;
    }
    cuda_sim::Place place;
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    if (cuda_sim::Locate(address, bytes, &place) != ResultCode::kSuccess ||
        place.device != nullptr) {
      return ResultCode::kInvalidValue;
    }
    const HostMemory::Range range{static_cast<std::byte*>(pointer), bytes, flags, false};
    return process.host_memory.Register(range) ? ResultCode::kSuccess
                                               : ResultCode::kHostMemoryAlreadyRegistered;
  });
}

ResultCode cuMemHostUnregister(void* pointer) noexcept {
  if (pointer == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext& context) {
    if (const auto code = Settle(context); code != ResultCode::kSuccess) return code;
    return process.host_memory.Unregister(pointer, false) ? ResultCode::kSuccess
                                                          : ResultCode::kHostMemoryNotRegistered;
  });
}

ResultCode cuMemHostGetDevicePointer_v2(DevicePointer* device_pointer, void* pointer,
                                        uint32_t flags) noexcept {
  if (device_pointer == nullptr || flags != 0) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext&) {
    if (!process.host_memory.Find(pointer)) return ResultCode::kInvalidValue;
    *device_pointer = reinterpret_cast<uintptr_t>(pointer);
    return ResultCode::kSuccess;
  });
}

ResultCode cuMemHostGetFlags(uint32_t* flags, void* pointer) noexcept {
  if (flags == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext&) {
    const auto range = process.host_memory.Find(pointer);
    if (!range) return ResultCode::kInvalidValue;
    *flags = range->flags;
    return ResultCode::kSuccess;
  });
}

ResultCode cuPointerGetAttribute(void* data, PointerAttribute attribute,
                                 DevicePointer pointer) noexcept {
  if (data == nullptr || !IsOffered(attribute)) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext& context) {
    const AddressFacts facts = FactsOf(process, context, pointer);
    if (!facts.is_known) return ResultCode::kInvalidValue;
    return Tell(facts, context, pointer, attribute, data);
  });
}

// An address that is not known is no error here; its values say so.
ResultCode cuPointerGetAttributes(uint32_t count, PointerAttribute* attributes, void** data,
                                  DevicePointer pointer) noexcept {
  if (count == 0 || attributes == nullptr || data == nullptr) return ResultCode::kInvalidValue;
  return WithContext([&](Process& process, SimContext& context) {
    const AddressFacts facts = FactsOf(process, context, pointer);
    for (uint32_t i = 0; i < count; ++i) {
      if (data[i] == nullptr || !IsOffered(attributes[i])) return ResultCode::kInvalidValue;
    }
    for (uint32_t i = 0; i < count; ++i) Tell(facts, context, pointer, attributes[i], data[i]);
    return ResultCode::kSuccess;
  });
}

}  // extern "C"
}  // namespace flexmig::cuda_abi
