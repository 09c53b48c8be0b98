// Finding devices, and what they are.

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string>

#include "flexmig/base/strings.h"
#include "flexmig/simhw/board_facts.h"
#include "flexmig/simhw/identity.h"

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::Accept;
using nvml_sim::CopyText;
using nvml_sim::Encode;
using nvml_sim::Handle;
using nvml_sim::HandleKind;
using nvml_sim::NotOffered;
using nvml_sim::QueryGpu;
using nvml_sim::Session;
using nvml_sim::WithBoard;
using nvml_sim::WithDevice;
using nvml_sim::WithSession;
using simhw::BoardSpec;
using simhw::FactsOf;
using simhw::SimBoard;
using simhw::SimFault;
using simhw::SimOperation;

namespace {

Handle GpuHandle(size_t index) { return {HandleKind::kGpu, static_cast<uint8_t>(index), 0, 0}; }

// "0000:07:00.0" as numbers.
struct BusAddress {
  uint32_t domain = 0;
  uint32_t bus = 0;
  uint32_t device = 0;
  friend bool operator==(const BusAddress&, const BusAddress&) = default;
};
// The domain may be left out, or have up to 8 digits; so may the function.
bool ParseBusId(const char* text, BusAddress& address) {
  unsigned function = 0;
  int end = 0;
  const std::string_view all(text);
  const auto whole = [&] { return end > 0 && static_cast<size_t>(end) == all.size(); };
  // NOLINTBEGIN(cert-err34-c): the number of fields and the end of the text are checked.
  if (std::sscanf(text, "%8x:%2x:%2x.%1x%n", &address.domain, &address.bus, &address.device,
                  &function, &end) == 4 &&
      whole()) {
    return true;
  }
  end = 0;
  address.domain = 0;
  return std::sscanf(text, "%2x:%2x.%1x%n", &address.bus, &address.device, &function, &end) == 3 &&
         whole();
  // NOLINTEND(cert-err34-c)
}

BusAddress AddressOf(const BoardSpec& spec) {
  BusAddress address;
  ParseBusId(spec.pci_bus_id.c_str(), address);
  return address;
}

template <typename Info>
void FillPci(const BoardSpec& spec, Info& pci) {
  const BusAddress address = AddressOf(spec);
  pci.domain = address.domain;
  pci.bus = address.bus;
  pci.device = address.device;
  pci.pci_device_id = spec.pci_device_id;
  pci.pci_subsystem_id = spec.pci_subsystem_id;
}

// A compute instance that takes the whole GPU instance is named after it ("1g.5gb"), a smaller one
// after both ("1c.3g.20gb").
std::string MigDeviceName(const SimBoard& board, const Handle& handle) {
  const simhw::SimInstance& instance = **board.FindInstance(handle.gpu_instance_id());
  const mig::Profile& profile = *board.model().FindProfile(instance.placed.profile);
  const auto part = std::ranges::find(instance.compute_instances, handle.compute_instance_id(),
                                      &simhw::SimComputeInstance::id);
  const std::string own = part->slices == profile.compute_slices ? "" : StrCat(part->slices, "c.");
  return StrCat(FactsOf(board.model()).name, " MIG ", own, profile.name);
}

// The handle of the GPU or MIG device with this UUID.
std::optional<Handle> FindUuid(Session& session, const simhw::NodeState& state,
                               std::string_view uuid) {
  for (size_t i = 0; i < state.size(); ++i) {
    Handle handle = GpuHandle(i);
    if (session.machine().gpu_uuid(handle.gpu_index()).value() == uuid) return handle;
    handle.kind = HandleKind::kMigDevice;
    for (const auto& instance : state[i].state().instances) {
      const auto gi = simhw::MakeGpuInstanceId(state[i].model(), instance.placed.placement);
      handle.gpu_instance = static_cast<uint8_t>(gi.value());
      for (const auto& part : instance.compute_instances) {
        handle.compute_instance = static_cast<uint8_t>(part.id.value());
        if (session.MigUuidOf(handle, state[i]) == uuid) return handle;
      }
    }
  }
  return std::nullopt;
}

// Runs `find` on the node and writes the handle that it finds.
template <typename Find>
Return FindHandle(Device* device, Return if_none, const Find& find) {
  if (device == nullptr) return Return::kInvalidArgument;
  return WithSession([&](Session& session) {
    SimFault fault = SimFault::kNone;
    const auto state = session.machine().ReadNode(SimOperation::kListGpus, &fault);
    if (!state.ok()) return nvml_sim::ToReturn(state.status(), fault);
    const std::optional<Handle> handle = find(session, *state);
    if (!handle) return if_none;
    device->handle = Encode(*handle);
    return Return::kSuccess;
  });
}

}  // namespace

extern "C" {

Return nvmlDeviceGetCount_v2(uint32_t* count) noexcept {
  if (count == nullptr) return Return::kInvalidArgument;
  return WithSession([&](Session& session) {
    SimFault fault = SimFault::kNone;
    const auto state = session.machine().ReadNode(SimOperation::kListGpus, &fault);
    if (!state.ok()) return nvml_sim::ToReturn(state.status(), fault);
    *count = static_cast<uint32_t>(state->size());
    return Return::kSuccess;
  });
}
Return nvmlDeviceGetCount(uint32_t* count) noexcept { return nvmlDeviceGetCount_v2(count); }

Return nvmlDeviceGetHandleByIndex_v2(uint32_t index, Device* device) noexcept {
  return FindHandle(device, Return::kInvalidArgument,
                    [&](Session&, const simhw::NodeState& state) -> std::optional<Handle> {
                      if (index >= state.size()) return std::nullopt;
                      return GpuHandle(index);
                    });
}
Return nvmlDeviceGetHandleByIndex(uint32_t index, Device* device) noexcept {
  return nvmlDeviceGetHandleByIndex_v2(index, device);
}

Return nvmlDeviceGetHandleByUUID(const char* uuid, Device* device) noexcept {
  if (uuid == nullptr) return Return::kInvalidArgument;
  return FindHandle(device, Return::kNotFound,
                    [&](Session& session, const simhw::NodeState& state) {
                      return FindUuid(session, state, uuid);
                    });
}

Return nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, Device* device) noexcept {
  BusAddress address;
  if (bus_id == nullptr || !ParseBusId(bus_id, address)) return Return::kInvalidArgument;
  return FindHandle(device, Return::kNotFound,
                    [&](Session& session, const simhw::NodeState&) -> std::optional<Handle> {
                      const auto& boards = session.machine().spec().boards;
                      for (size_t i = 0; i < boards.size(); ++i) {
                        if (AddressOf(boards[i]) == address) return GpuHandle(i);
                      }
                      return std::nullopt;
                    });
}
Return nvmlDeviceGetHandleByPciBusId(const char* bus_id, Device* device) noexcept {
  return nvmlDeviceGetHandleByPciBusId_v2(bus_id, device);
}

Return nvmlDeviceGetName(Device device, char* name, uint32_t length) noexcept {
  return WithBoard(device, Accept::kGpuOrMigDevice, SimOperation::kQueryGpu,
                   [&](Session&, const Handle& handle, const SimBoard& board) {
                     if (handle.kind == HandleKind::kGpu) {
                       return CopyText(FactsOf(board.model()).name, name, length);
                     }
                     return CopyText(MigDeviceName(board, handle), name, length);
                   });
}

Return nvmlDeviceGetUUID(Device device, char* uuid, uint32_t length) noexcept {
  return WithBoard(device, Accept::kGpuOrMigDevice, SimOperation::kQueryGpu,
                   [&](Session& session, const Handle& handle, const SimBoard& board) {
                     if (handle.kind == HandleKind::kGpu) {
                       return CopyText(session.machine().gpu_uuid(handle.gpu_index()).value(), uuid,
                                       length);
                     }
                     return CopyText(session.MigUuidOf(handle, board), uuid, length);
                   });
}

Return nvmlDeviceGetIndex(Device device, uint32_t* index) noexcept {
  if (index == nullptr) return Return::kInvalidArgument;
  return WithDevice(device, Accept::kGpu, [&](Session&, const Handle& handle) {
    *index = handle.gpu;
    return Return::kSuccess;
  });
}
// Of GPU i it is i: /dev/nvidia<i>.
Return nvmlDeviceGetMinorNumber(Device device, uint32_t* minor) noexcept {
  return nvmlDeviceGetIndex(device, minor);
}

Return nvmlDeviceGetSerial(Device device, char* serial, uint32_t) noexcept {
  return NotOffered(device, serial);
}

Return nvmlDeviceGetBrand(Device device, uint32_t* brand) noexcept {
  constexpr uint32_t kNvidia = 14;  // NVML_BRAND_NVIDIA
  return QueryGpu(device, brand, [](const BoardSpec&, const SimBoard&) { return kNvidia; });
}

Return nvmlDeviceGetArchitecture(Device device, uint32_t* architecture) noexcept {
  return QueryGpu(device, architecture, [](const BoardSpec& spec, const SimBoard&) -> uint32_t {
    switch (spec.model->architecture) {  // NVML_DEVICE_ARCH_*
      case mig::Architecture::kAmpere: return 7;
      case mig::Architecture::kHopper: return 9;
      case mig::Architecture::kBlackwell: return 10;
    }
    return 0xFFFFFFFF;
  });
}

Return nvmlDeviceGetCudaComputeCapability(Device device, int32_t* major, int32_t* minor) noexcept {
  if (minor == nullptr) return Return::kInvalidArgument;
  return QueryGpu(device, major, [&](const BoardSpec& spec, const SimBoard&) {
    *minor = static_cast<int32_t>(FactsOf(*spec.model).compute_minor);
    return static_cast<int32_t>(FactsOf(*spec.model).compute_major);
  });
}

Return nvmlDeviceGetNumGpuCores(Device device, uint32_t* cores) noexcept {
  return QueryGpu(device, cores, [](const BoardSpec& spec, const SimBoard&) {
    const int per_sm = spec.model->architecture == mig::Architecture::kAmpere ? 64 : 128;
    return static_cast<uint32_t>(per_sm * spec.model->total_sms);
  });
}

Return nvmlDeviceGetMemoryBusWidth(Device device, uint32_t* bits) noexcept {
  return QueryGpu(device, bits, [](const BoardSpec& spec, const SimBoard&) {
    return FactsOf(*spec.model).memory_bus_bits;
  });
}

Return nvmlDeviceGetVbiosVersion(Device device, char* version, uint32_t) noexcept {
  return NotOffered(device, version);
}

Return nvmlDeviceGetPciInfo_v3(Device device, PciInfo* pci) noexcept {
  return QueryGpu(device, pci, [](const BoardSpec& spec, const SimBoard&) {
    PciInfo info{};
    FillPci(spec, info);
    std::snprintf(info.bus_id_legacy, sizeof info.bus_id_legacy, "%04X:%02X:%02X.0",
                  info.domain & 0xFFFF, info.bus & 0xFF, info.device & 0xFF);
    std::snprintf(info.bus_id, sizeof info.bus_id, "%08X:%02X:%02X.0", info.domain, info.bus & 0xFF,
                  info.device & 0xFF);
    return info;
  });
}
Return nvmlDeviceGetPciInfo_v2(Device device, PciInfoLegacy* pci) noexcept {
  return QueryGpu(device, pci, [](const BoardSpec& spec, const SimBoard&) {
    PciInfoLegacy info{};
    FillPci(spec, info);
    std::snprintf(info.bus_id, sizeof info.bus_id, "%04X:%02X:%02X.0", info.domain & 0xFFFF,
                  info.bus & 0xFF, info.device & 0xFF);
    return info;
  });
}
Return nvmlDeviceGetPciInfo(Device device, PciInfoLegacy* pci) noexcept {
  return nvmlDeviceGetPciInfo_v2(device, pci);
}

Return nvmlDeviceGetFieldValues(Device device, int32_t count, FieldValue* values) noexcept {
  if (values == nullptr || count < 1) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpuOrMigDevice, SimOperation::kQueryGpu,
                   [&](Session&, const Handle&, const SimBoard& board) {
                     for (int32_t i = 0; i < count; ++i) {
                       FieldValue& value = values[i];
                       value.timestamp = 0;
                       value.latency_usec = 0;
                       value.value_type = kValueTypeUnsignedInt;
                       value.ulonglong_value = 0;
                       value.nvml_return = static_cast<int32_t>(Return::kSuccess);
                       if (value.field_id == kFieldResetlessMig) {
                         value.uint_value = board.model().mode_change_needs_reset ? 0 : 1;
                       } else if (value.field_id == kFieldMigQueryWithMigOff) {
                         value.uint_value = 1;
                       } else {
                         value.nvml_return = static_cast<int32_t>(Return::kNotSupported);
                       }
                     }
                     return Return::kSuccess;
                   });
}

}  // extern "C"
}  // namespace flexmig::nvml_abi
