// MIG mode, GPU-instance profiles and GPU instances.

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "flexmig/simhw/board_facts.h"
#include "flexmig/simhw/driver_placement.h"
#include "flexmig/simhw/identity.h"

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::Accept;
using nvml_sim::CopyList;
using nvml_sim::Encode;
using nvml_sim::Handle;
using nvml_sim::HandleKind;
using nvml_sim::Session;
using nvml_sim::WithBoard;
using nvml_sim::WithDevice;
using nvml_sim::WithSession;
using simhw::SimBoard;
using simhw::SimOperation;

namespace {

// The indices of nvml.h 13.3; drivers answer INVALID_ARGUMENT beyond what they know.
constexpr uint32_t kProfileCount = 18;

// A profile of the board by index: INVALID_ARGUMENT beyond the last, NOT_SUPPORTED for a hole.
Return FindByIndex(const mig::GpuModel& model, uint32_t index, const mig::Profile*& profile) {
  if (index >= kProfileCount) return Return::kInvalidArgument;
  for (const mig::Profile& candidate : model.profiles) {
    if (candidate.nvml_index == static_cast<int>(index)) {
      profile = &candidate;
      return Return::kSuccess;
    }
  }
  return Return::kNotSupported;
}

const mig::Profile* FindById(const mig::GpuModel& model, uint32_t id) {
  return id > INT32_MAX ? nullptr : model.FindProfile(mig::ProfileId(static_cast<int>(id)));
}

// The members that all versions of the struct share.
template <typename Info>
void Fill(const mig::GpuModel& model, const mig::Profile& profile, Info& info) {
  const simhw::Engines engines = simhw::EnginesOf(model, profile);
  info.id = static_cast<uint32_t>(profile.id.value());
  info.slice_count = static_cast<uint32_t>(profile.compute_slices);
  info.instance_count = static_cast<uint32_t>(profile.max_instances);
  info.multiprocessor_count = simhw::SmsOf(model, profile);
  info.copy_engine_count = static_cast<uint32_t>(profile.copy_engines);
  info.decoder_count = engines.decoders;
  info.encoder_count = engines.encoders;
  info.jpeg_count = engines.jpeg;
  info.ofa_count = engines.ofa;
  info.memory_size_mib = simhw::MemoryMibOf(model, profile);
}

template <typename Info>
void FillNamed(uint32_t version, const mig::GpuModel& model, const mig::Profile& profile,
               void* out) {
  Info info{};
  info.version = version;
  Fill(model, profile, info);
  std::snprintf(info.name, sizeof info.name, "MIG %.*s", static_cast<int>(profile.name.size()),
                profile.name.data());
  std::memcpy(out, &info, sizeof info);
}

// v2 and v3 are equally long, so the caller's version word decides which one is written.
Return FillVersioned(const mig::GpuModel& model, const mig::Profile& profile,
                     GpuInstanceProfileInfoV2* out) {
  const uint32_t version = out->version;
  if (version == kGpuInstanceProfileInfoV2) {
    FillNamed<GpuInstanceProfileInfoV2>(version, model, profile, out);
  } else if (version == kGpuInstanceProfileInfoV3) {
    FillNamed<GpuInstanceProfileInfoV3>(version, model, profile, out);
  } else {
    return Return::kArgumentVersionMismatch;
  }
  return Return::kSuccess;
}

mig::MigLayout LayoutOf(const SimBoard& board) {
  mig::MigLayout layout;
  for (const auto& instance : board.state().instances) layout.push_back(instance.placed);
  return layout;
}

Handle InstanceHandle(const Handle& gpu, mig::GpuInstanceId id) {
  return {HandleKind::kGpuInstance, gpu.gpu, static_cast<uint8_t>(id.value()), 0};
}

// `body` with the board and the profile; NOT_SUPPORTED with MIG off if `needs_mig`.
template <typename Body>
Return WithProfile(Device device, uint32_t profile_id, SimOperation operation, bool needs_mig,
                   const Body& body) noexcept {
  return WithBoard(device, Accept::kGpu, operation,
                   [&](Session&, const Handle& handle, const SimBoard& board) {
                     if (needs_mig && !board.state().mig_enabled) return Return::kNotSupported;
                     const mig::Profile* profile = FindById(board.model(), profile_id);
                     if (profile == nullptr) return Return::kInvalidArgument;
                     return body(handle, board, *profile);
                   });
}

Return ListPlacements(Device device, uint32_t profile_id, Placement* placements, uint32_t* count,
                      bool null_is_query) {
  return WithProfile(device, profile_id, SimOperation::kQueryGpu, false,
                     [&](const Handle&, const SimBoard&, const mig::Profile& profile) {
                       return CopyList(static_cast<uint32_t>(profile.starts.size()), placements,
                                       count, null_is_query, [&](uint32_t i) {
                                         return Placement{
                                             static_cast<uint32_t>(profile.starts[i]),
                                             static_cast<uint32_t>(profile.memory_slices)};
                                       });
                     });
}

// Creates an instance; without a placement where the driver would.
Return Create(Device device, uint32_t profile_id, const Placement* placement,
              GpuInstance* instance) {
  if (instance == nullptr) return Return::kInvalidArgument;
  return WithDevice(device, Accept::kGpu, [&](Session& session, const Handle& handle) {
    Return refusal = Return::kSuccess;
    mig::GpuInstanceId id;
    const Return code =
        session.Change(SimOperation::kCreateGpuInstance, handle, [&](SimBoard& board) -> Status {
          const mig::Profile* profile = FindById(board.model(), profile_id);
          if (!board.state().mig_enabled) {
            refusal = Return::kNotSupported;
            return FailedPreconditionError("MIG is off");
          }
          if (profile == nullptr) return InvalidArgumentError("no such profile");
          mig::Placement where{0, profile->memory_slices};
          if (placement != nullptr) {
            if (placement->start > INT32_MAX / 2 || placement->size > INT32_MAX / 2) {
              return InvalidArgumentError("no such placement");
            }
            where = {static_cast<int>(placement->start), static_cast<int>(placement->size)};
          } else {
            const auto chosen =
                simhw::ChooseDriverPlacement(board.model(), LayoutOf(board), *profile);
            if (!chosen) return ResourceExhaustedError("no place is left");
            where = *chosen;
          }
          FLEXMIG_ASSIGN_OR_RETURN(id, board.CreateGpuInstance({profile->id, where}));
          return OkStatus();
        });
    if (refusal != Return::kSuccess) return refusal;
    if (code == Return::kSuccess) instance->handle = Encode(InstanceHandle(handle, id));
    return code;
  });
}

}  // namespace

extern "C" {

// A mode that cannot be had now is no error of the call: the activation status says why.
Return nvmlDeviceSetMigMode(Device device, uint32_t mode, Return* activation_status) noexcept {
  if (activation_status == nullptr || mode > kMigEnabled) return Return::kInvalidArgument;
  return WithDevice(device, Accept::kGpu, [&](Session& session, const Handle& handle) {
    Return activation = Return::kSuccess;
    const Return code =
        session.Change(SimOperation::kSetMigMode, handle, [&](SimBoard& board) -> Status {
          const bool on = mode == kMigEnabled;
          const bool blocked = !on && !board.state().instances.empty();
          if (!blocked) FLEXMIG_RETURN_IF_ERROR(board.SetMigMode(on));
          if (blocked || board.state().mig_enabled != on) activation = Return::kInUse;
          return OkStatus();
        });
    if (code == Return::kSuccess) *activation_status = activation;
    return code;
  });
}

Return nvmlDeviceGetMigMode(Device device, uint32_t* current, uint32_t* pending) noexcept {
  if (current == nullptr || pending == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session&, const Handle&, const SimBoard& board) {
                     *current = board.state().mig_enabled ? kMigEnabled : kMigDisabled;
                     *pending = board.state().mig_enabled_pending ? kMigEnabled : kMigDisabled;
                     return Return::kSuccess;
                   });
}

Return nvmlDeviceGetGpuInstanceProfileInfo(Device device, uint32_t profile,
                                           GpuInstanceProfileInfo* info) noexcept {
  if (info == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session&, const Handle&, const SimBoard& board) {
                     const mig::Profile* found = nullptr;
                     const Return code = FindByIndex(board.model(), profile, found);
                     if (code != Return::kSuccess) return code;
                     *info = {};
                     Fill(board.model(), *found, *info);
                     return code;
                   });
}

Return nvmlDeviceGetGpuInstanceProfileInfoV(Device device, uint32_t profile,
                                            GpuInstanceProfileInfoV2* info) noexcept {
  if (info == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpu, SimOperation::kQueryGpu,
                   [&](Session&, const Handle&, const SimBoard& board) {
                     const mig::Profile* found = nullptr;
                     const Return code = FindByIndex(board.model(), profile, found);
                     return code == Return::kSuccess ? FillVersioned(board.model(), *found, info)
                                                     : code;
                   });
}

Return nvmlDeviceGetGpuInstanceProfileInfoByIdV(Device device, uint32_t profile_id,
                                                GpuInstanceProfileInfoV2* info) noexcept {
  if (info == nullptr) return Return::kInvalidArgument;
  return WithProfile(device, profile_id, SimOperation::kQueryGpu, false,
                     [&](const Handle&, const SimBoard& board, const mig::Profile& profile) {
                       return FillVersioned(board.model(), profile, info);
                     });
}

Return nvmlDeviceGetGpuInstancePossiblePlacements(Device device, uint32_t profile_id,
                                                  Placement* placements, uint32_t* count) noexcept {
  if (placements == nullptr) return Return::kInvalidArgument;
  return ListPlacements(device, profile_id, placements, count, false);
}
Return nvmlDeviceGetGpuInstancePossiblePlacements_v2(Device device, uint32_t profile_id,
                                                     Placement* placements,
                                                     uint32_t* count) noexcept {
  return ListPlacements(device, profile_id, placements, count, true);
}

Return nvmlDeviceGetGpuInstanceRemainingCapacity(Device device, uint32_t profile_id,
                                                 uint32_t* count) noexcept {
  if (count == nullptr) return Return::kInvalidArgument;
  return WithProfile(device, profile_id, SimOperation::kQueryGpu, true,
                     [&](const Handle&, const SimBoard& board, const mig::Profile& profile) {
                       *count = static_cast<uint32_t>(
                           simhw::RemainingCapacity(board.model(), LayoutOf(board), profile));
                       return Return::kSuccess;
                     });
}

Return nvmlDeviceCreateGpuInstance(Device device, uint32_t profile_id,
                                   GpuInstance* instance) noexcept {
  return Create(device, profile_id, nullptr, instance);
}

Return nvmlDeviceCreateGpuInstanceWithPlacement(Device device, uint32_t profile_id,
                                                const Placement* placement,
                                                GpuInstance* instance) noexcept {
  if (placement == nullptr) return Return::kInvalidArgument;
  return Create(device, profile_id, placement, instance);
}

Return nvmlGpuInstanceDestroy(GpuInstance instance) noexcept {
  return WithSession([&](Session& session) {
    const auto handle = nvml_sim::Decode(instance.handle);
    if (!handle || handle->kind != HandleKind::kGpuInstance ||
        !session.machine().CheckGpu(handle->gpu_index()).ok()) {
      return Return::kInvalidArgument;
    }
    const Return code = session.Change(
        SimOperation::kDestroyGpuInstance, *handle,
        [&](SimBoard& board) { return board.DestroyGpuInstance(handle->gpu_instance_id()); });
    // A handle whose instance is gone is a wrong argument.
    return code == Return::kNotFound ? Return::kInvalidArgument : code;
  });
}

// The buffer holds as many as the profile allows; what is in *count is not read.
Return nvmlDeviceGetGpuInstances(Device device, uint32_t profile_id, GpuInstance* instances,
                                 uint32_t* count) noexcept {
  if (instances == nullptr || count == nullptr) return Return::kInvalidArgument;
  return WithProfile(device, profile_id, SimOperation::kListGpuInstances, true,
                     [&](const Handle& handle, const SimBoard& board, const mig::Profile& profile) {
                       uint32_t found = 0;
                       for (const auto& instance : board.state().instances) {
                         if (instance.placed.profile != profile.id) continue;
                         const auto id =
                             simhw::MakeGpuInstanceId(board.model(), instance.placed.placement);
                         instances[found++].handle = Encode(InstanceHandle(handle, id));
                       }
                       *count = found;
                       return Return::kSuccess;
                     });
}

Return nvmlDeviceGetGpuInstanceById(Device device, uint32_t id, GpuInstance* instance) noexcept {
  if (instance == nullptr) return Return::kInvalidArgument;
  return WithBoard(device, Accept::kGpu, SimOperation::kListGpuInstances,
                   [&](Session&, const Handle& handle, const SimBoard& board) {
                     if (!board.state().mig_enabled) return Return::kNotSupported;
                     if (id > UINT8_MAX) return Return::kNotFound;
                     const mig::GpuInstanceId wanted(static_cast<int>(id));
                     if (!board.FindInstance(wanted).ok()) return Return::kNotFound;
                     instance->handle = Encode(InstanceHandle(handle, wanted));
                     return Return::kSuccess;
                   });
}

Return nvmlGpuInstanceGetInfo(GpuInstance instance, GpuInstanceInfo* info) noexcept {
  if (info == nullptr) return Return::kInvalidArgument;
  return nvml_sim::WithGpuInstance(
      instance, SimOperation::kQueryGpu,
      [&](Session&, const Handle& handle, const SimBoard&, const simhw::SimInstance& found) {
        info->device.handle = Encode({HandleKind::kGpu, handle.gpu, 0, 0});
        info->id = handle.gpu_instance;
        info->profile_id = static_cast<uint32_t>(found.placed.profile.value());
        info->placement = {static_cast<uint32_t>(found.placed.placement.start),
                           static_cast<uint32_t>(found.placed.placement.size)};
        return Return::kSuccess;
      });
}

}  // extern "C"
}  // namespace flexmig::nvml_abi
