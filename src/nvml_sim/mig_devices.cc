// MIG devices: compute instances as CUDA sees them.

#include <algorithm>
#include <vector>

#include "flexmig/simhw/board_facts.h"
#include "flexmig/simhw/identity.h"

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::Accept;
using nvml_sim::Encode;
using nvml_sim::Handle;
using nvml_sim::HandleKind;
using nvml_sim::QueryGpu;
using nvml_sim::Session;
using nvml_sim::WithBoard;
using nvml_sim::WithDevice;
using simhw::SimBoard;
using simhw::SimOperation;

namespace {

// In the order of their index: by GPU instance id, then by compute instance id; without holes, as
// Slurm wants it.
std::vector<Handle> MigDevicesOf(const Handle& gpu, const SimBoard& board) {
  std::vector<Handle> devices;
  for (const auto& instance : board.state().instances) {
    const auto gi = simhw::MakeGpuInstanceId(board.model(), instance.placed.placement);
    for (const auto& part : instance.compute_instances) {
      devices.push_back({HandleKind::kMigDevice, gpu.gpu, static_cast<uint8_t>(gi.value()),
                         static_cast<uint8_t>(part.id.value())});
    }
  }
  std::ranges::sort(devices, {}, [](const Handle& handle) {
    return std::pair(handle.gpu_instance, handle.compute_instance);
  });
  return devices;
}

// One of the ids of a MIG device; NOT_SUPPORTED for a GPU.
template <typename Get>
Return QueryMigDevice(Device device, uint32_t* out, const Get& get) {
  if (out == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpuOrMigDevice, SimOperation::kQueryGpu,
                   [&](Session&, const Handle& handle, const SimBoard&) {
                     if (handle.kind != HandleKind::kMigDevice) return Return::kNotSupported;
                     *out = get(handle);
                     return Return::kSuccess;
                   });
}

}  // namespace

extern "C" {

Return nvmlDeviceIsMigDeviceHandle(Device device, uint32_t* is_mig_device) noexcept {
  if (is_mig_device == nullptr) return Return::kInvalidArgument;
  return WithDevice(device, Accept::kGpuOrMigDevice, [&](Session&, const Handle& handle) {
    *is_mig_device = handle.kind == HandleKind::kMigDevice ? 1 : 0;
    return Return::kSuccess;
  });
}

Return nvmlDeviceGetGpuInstanceId(Device device, uint32_t* id) noexcept {
  return QueryMigDevice(device, id, [](const Handle& handle) { return handle.gpu_instance; });
}
Return nvmlDeviceGetComputeInstanceId(Device device, uint32_t* id) noexcept {
  return QueryMigDevice(device, id, [](const Handle& handle) { return handle.compute_instance; });
}

// As many as the board has compute slices, whatever the mode.
Return nvmlDeviceGetMaxMigDeviceCount(Device device, uint32_t* count) noexcept {
  return QueryGpu(device, count, [](const simhw::BoardSpec& spec, const SimBoard&) {
    return static_cast<uint32_t>(spec.model->compute_slices);
  });
}

Return nvmlDeviceGetMigDeviceHandleByIndex(Device device, uint32_t index,
                                           Device* mig_device) noexcept {
  if (mig_device == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpu, SimOperation::kListMigDevices,
                   [&](Session&, const Handle& handle, const SimBoard& board) {
                     if (index >= static_cast<uint32_t>(board.model().compute_slices)) {
                       return Return::kInvalidArgument;
                     }
                     const auto devices = MigDevicesOf(handle, board);
                     if (index >= devices.size()) return Return::kNotFound;
                     mig_device->handle = Encode(devices[index]);
                     return Return::kSuccess;
                   });
}

Return nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device mig_device, Device* device) noexcept {
  if (device == nullptr) return Return::kInvalidArgument;
  return WithDevice(mig_device, Accept::kGpuOrMigDevice, [&](Session&, const Handle& handle) {
    if (handle.kind != HandleKind::kMigDevice) return Return::kInvalidArgument;
    device->handle = Encode({HandleKind::kGpu, handle.gpu, 0, 0});
    return Return::kSuccess;
  });
}

Return nvmlDeviceGetAttributes_v2(Device device, DeviceAttributes* attributes) noexcept {
  if (attributes == nullptr) return Return::kInvalidArgument;
  return WithBoard(
      device, Accept::kGpuOrMigDevice, SimOperation::kQueryGpu,
      [&](Session&, const Handle& handle, const SimBoard& board) {
        if (handle.kind != HandleKind::kMigDevice) return Return::kNotSupported;
        const mig::GpuModel& model = board.model();
        const simhw::SimInstance& instance = **board.FindInstance(handle.gpu_instance_id());
        const mig::Profile& profile = *model.FindProfile(instance.placed.profile);
        const auto part =
            std::ranges::find(instance.compute_instances, handle.compute_instance_id(),
                              &simhw::SimComputeInstance::id);
        const simhw::Engines engines = simhw::EnginesOf(model, profile);
        const bool whole = part->slices == profile.compute_slices;
        const mig::Profile& slice = mig::DefaultLeafProfile(model);
        *attributes = {};
        attributes->multiprocessor_count =
            whole ? simhw::SmsOf(model, profile)
                  : static_cast<uint32_t>(part->slices) * simhw::SmsOf(model, slice);
        attributes->shared_copy_engine_count = static_cast<uint32_t>(profile.copy_engines);
        attributes->shared_decoder_count = engines.decoders;
        attributes->shared_encoder_count = engines.encoders;
        attributes->shared_jpeg_count = engines.jpeg;
        attributes->shared_ofa_count = engines.ofa;
        attributes->gpu_instance_slice_count = static_cast<uint32_t>(profile.compute_slices);
        attributes->compute_instance_slice_count = static_cast<uint32_t>(part->slices);
        attributes->memory_size_mib = simhw::MemoryMibOf(model, profile);
        return Return::kSuccess;
      });
}
Return nvmlDeviceGetAttributes(Device device, DeviceAttributes* attributes) noexcept {
  return nvmlDeviceGetAttributes_v2(device, attributes);
}

}  // extern "C"
}  // namespace flexmig::nvml_abi
