// Compute-instance profiles and compute instances.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

#include "flexmig/simhw/board_facts.h"
#include "flexmig/simhw/identity.h"

#include "session.h"

namespace flexmig::nvml_abi {

using nvml_sim::CopyList;
using nvml_sim::Decode;
using nvml_sim::Encode;
using nvml_sim::Handle;
using nvml_sim::HandleKind;
using nvml_sim::Session;
using nvml_sim::WithGpuInstance;
using nvml_sim::WithSession;
using simhw::SimBoard;
using simhw::SimComputeInstance;
using simhw::SimInstance;
using simhw::SimOperation;

namespace {

// Compute slices by profile index; 0 for indices that the boards here do not have (the second
// 1-slice profile of Hopper, and the one with NVLink).
constexpr int kSlicesByIndex[] = {1, 2, 3, 4, 7, 8, 6, 0, 0};
constexpr uint32_t kSharedEngines = 0;  // NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED

const mig::Profile& ProfileOf(const SimBoard& board, const SimInstance& instance) {
  return *board.model().FindProfile(instance.placed.profile);
}

// The slices of the compute-instance profile, whose index and id are the same number:
// INVALID_ARGUMENT beyond the last, NOT_SUPPORTED for one that the GPU instance is too small for.
Return FindProfile(const SimBoard& board, const SimInstance& instance, uint32_t index,
                   int& slices) {
  if (index >= std::size(kSlicesByIndex)) return Return::kInvalidArgument;
  slices = kSlicesByIndex[index];
  const bool fits = slices > 0 && slices <= ProfileOf(board, instance).compute_slices;
  return fits ? Return::kSuccess : Return::kNotSupported;
}

uint32_t IndexOf(int slices) {
  return static_cast<uint32_t>(std::ranges::find(kSlicesByIndex, slices) - kSlicesByIndex);
}

// A part of a GPU instance has the SMs of so many of the board's single slices.
uint32_t SmsOf(const mig::GpuModel& model, const mig::Profile& gpu_instance, int slices) {
  if (slices == gpu_instance.compute_slices) return simhw::SmsOf(model, gpu_instance);
  return static_cast<uint32_t>(slices) * simhw::SmsOf(model, mig::DefaultLeafProfile(model));
}

ComputeInstanceProfileInfo InfoOf(const SimBoard& board, const SimInstance& instance, int slices) {
  const mig::Profile& profile = ProfileOf(board, instance);
  const simhw::Engines engines = simhw::EnginesOf(board.model(), profile);
  ComputeInstanceProfileInfo info{};
  info.id = IndexOf(slices);
  info.slice_count = static_cast<uint32_t>(slices);
  info.instance_count = static_cast<uint32_t>(profile.compute_slices / slices);
  info.multiprocessor_count = SmsOf(board.model(), profile, slices);
  info.shared_copy_engine_count = static_cast<uint32_t>(profile.copy_engines);
  info.shared_decoder_count = engines.decoders;
  info.shared_encoder_count = engines.encoders;
  info.shared_jpeg_count = engines.jpeg;
  info.shared_ofa_count = engines.ofa;
  return info;
}

void CopyName(const mig::Profile& profile, int slices, char (&name)[kProfileNameSize]) {
  const int length = static_cast<int>(profile.name.size());
  if (slices == profile.compute_slices) {
    std::snprintf(name, sizeof name, "MIG %.*s", length, profile.name.data());
  } else {
    std::snprintf(name, sizeof name, "MIG %dc.%.*s", slices, length, profile.name.data());
  }
}

template <typename Info>
void FillNamed(uint32_t version, const SimBoard& board, const SimInstance& instance, int slices,
               void* out) {
  Info info{};
  info.version = version;
  info.v1 = InfoOf(board, instance, slices);
  CopyName(ProfileOf(board, instance), slices, info.name);
  std::memcpy(out, &info, sizeof info);
}

// The places where a profile of `slices` fits: side by side.
int PlaceCount(const mig::Profile& profile, int slices) { return profile.compute_slices / slices; }

bool IsFree(const SimInstance& instance, int start, int slices) {
  return std::ranges::none_of(instance.compute_instances, [&](const SimComputeInstance& other) {
    return other.start < start + slices && start < other.start + other.slices;
  });
}

Handle PartHandle(const Handle& instance, mig::ComputeInstanceId id) {
  return {HandleKind::kComputeInstance, instance.gpu, instance.gpu_instance,
          static_cast<uint8_t>(id.value())};
}

Return Create(GpuInstance instance, uint32_t profile_id, const Placement* placement,
              ComputeInstance* compute_instance) {
  if (compute_instance == nullptr) return Return::kInvalidArgument;
  return WithSession([&](Session& session) {
    const auto handle = Decode(instance.handle);
    if (!handle || handle->kind != HandleKind::kGpuInstance ||
        !session.machine().CheckGpu(handle->gpu_index()).ok()) {
      return Return::kInvalidArgument;
    }
    Return refusal = Return::kSuccess;
    mig::ComputeInstanceId id;
    const Return code = session.Change(
        SimOperation::kCreateComputeInstance, *handle, [&](SimBoard& board) -> Status {
          FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found,
                                   board.FindInstance(handle->gpu_instance_id()));
          int slices = 0;
          refusal = FindProfile(board, *found, profile_id, slices);
          if (refusal != Return::kSuccess) return InvalidArgumentError("no such profile");
          std::optional<int> start;
          if (placement != nullptr) {
            if (placement->start > INT32_MAX / 2 ||
                placement->size != static_cast<uint32_t>(slices)) {
              return InvalidArgumentError("no such placement");
            }
            start = static_cast<int>(placement->start);
          }
          FLEXMIG_ASSIGN_OR_RETURN(
              id, board.CreateComputeInstance(handle->gpu_instance_id(), slices, start));
          return OkStatus();
        });
    if (refusal != Return::kSuccess) return refusal;
    if (code == Return::kNotFound) return Return::kInvalidArgument;  // the handle is stale
    if (code == Return::kSuccess) compute_instance->handle = Encode(PartHandle(*handle, id));
    return code;
  });
}

// `body` with the compute instance behind a handle.
template <typename Body>
Return WithPart(ComputeInstance compute_instance, const Body& body) noexcept {
  return WithSession([&](Session& session) {
    const auto handle = Decode(compute_instance.handle);
    if (!handle || handle->kind != HandleKind::kComputeInstance ||
        !session.machine().CheckGpu(handle->gpu_index()).ok()) {
      return Return::kInvalidArgument;
    }
    std::optional<SimBoard> board;
    const Return code = session.Read(SimOperation::kQueryGpu, *handle, board);
    if (code != Return::kSuccess) return code;
    const SimInstance& instance = **board->FindInstance(handle->gpu_instance_id());
    return body(*handle,
                *std::ranges::find(instance.compute_instances, handle->compute_instance_id(),
                                   &SimComputeInstance::id));
  });
}

}  // namespace

extern "C" {

Return nvmlGpuInstanceGetComputeInstanceProfileInfo(GpuInstance instance, uint32_t profile,
                                                    uint32_t engine_profile,
                                                    ComputeInstanceProfileInfo* info) noexcept {
  if (info == nullptr || engine_profile != kSharedEngines) return Return::kInvalidArgument;
  return WithGpuInstance(
      instance, SimOperation::kQueryGpu,
      [&](Session&, const Handle&, const SimBoard& board, const SimInstance& found) {
        int slices = 0;
        const Return code = FindProfile(board, found, profile, slices);
        if (code == Return::kSuccess) *info = InfoOf(board, found, slices);
        return code;
      });
}

Return nvmlGpuInstanceGetComputeInstanceProfileInfoV(GpuInstance instance, uint32_t profile,
                                                     uint32_t engine_profile,
                                                     ComputeInstanceProfileInfoV2* info) noexcept {
  if (info == nullptr || engine_profile != kSharedEngines) return Return::kInvalidArgument;
  return WithGpuInstance(
      instance, SimOperation::kQueryGpu,
      [&](Session&, const Handle&, const SimBoard& board, const SimInstance& found) {
        int slices = 0;
        const Return code = FindProfile(board, found, profile, slices);
        if (code != Return::kSuccess) return code;
        const uint32_t version = info->version;
        if (version == kComputeInstanceProfileInfoV2) {
          FillNamed<ComputeInstanceProfileInfoV2>(version, board, found, slices, info);
        } else if (version == kComputeInstanceProfileInfoV3) {
          FillNamed<ComputeInstanceProfileInfoV3>(version, board, found, slices, info);
        } else {
          return Return::kArgumentVersionMismatch;
        }
        return Return::kSuccess;
      });
}

Return nvmlGpuInstanceGetComputeInstanceRemainingCapacity(GpuInstance instance, uint32_t profile_id,
                                                          uint32_t* count) noexcept {
  if (count == nullptr) return Return::kInvalidArgument;
  return WithGpuInstance(
      instance, SimOperation::kQueryGpu,
      [&](Session&, const Handle&, const SimBoard& board, const SimInstance& found) {
        int slices = 0;
        const Return code = FindProfile(board, found, profile_id, slices);
        if (code != Return::kSuccess) return code;
        // As the engine places them: each at the lowest free slices.
        uint32_t free = 0;
        for (int at = 0; at + slices <= ProfileOf(board, found).compute_slices;) {
          const bool fits = IsFree(found, at, slices);
          free += fits ? 1 : 0;
          at += fits ? slices : 1;
        }
        *count = free;
        return Return::kSuccess;
      });
}

Return nvmlGpuInstanceGetComputeInstancePossiblePlacements(GpuInstance instance,
                                                           uint32_t profile_id,
                                                           Placement* placements,
                                                           uint32_t* count) noexcept {
  return WithGpuInstance(
      instance, SimOperation::kQueryGpu,
      [&](Session&, const Handle&, const SimBoard& board, const SimInstance& found) {
        int slices = 0;
        const Return code = FindProfile(board, found, profile_id, slices);
        if (code != Return::kSuccess) return code;
        const int places = PlaceCount(ProfileOf(board, found), slices);
        return CopyList(static_cast<uint32_t>(places), placements, count, true, [&](uint32_t i) {
          const auto size = static_cast<uint32_t>(slices);
          return Placement{i * size, size};
        });
      });
}

Return nvmlGpuInstanceCreateComputeInstance(GpuInstance instance, uint32_t profile_id,
                                            ComputeInstance* compute_instance) noexcept {
  return Create(instance, profile_id, nullptr, compute_instance);
}

Return nvmlGpuInstanceCreateComputeInstanceWithPlacement(
    GpuInstance instance, uint32_t profile_id, const Placement* placement,
    ComputeInstance* compute_instance) noexcept {
  if (placement == nullptr) return Return::kInvalidArgument;
  return Create(instance, profile_id, placement, compute_instance);
}

Return nvmlComputeInstanceDestroy(ComputeInstance compute_instance) noexcept {
  return WithSession([&](Session& session) {
    const auto handle = Decode(compute_instance.handle);
    if (!handle || handle->kind != HandleKind::kComputeInstance ||
        !session.machine().CheckGpu(handle->gpu_index()).ok()) {
      return Return::kInvalidArgument;
    }
    const Return code =
        session.Change(SimOperation::kDestroyComputeInstance, *handle, [&](SimBoard& board) {
          return board.DestroyComputeInstance(handle->gpu_instance_id(),
                                              handle->compute_instance_id());
        });
    return code == Return::kNotFound ? Return::kInvalidArgument : code;
  });
}

Return nvmlGpuInstanceGetComputeInstances(GpuInstance instance, uint32_t profile_id,
                                          ComputeInstance* compute_instances,
                                          uint32_t* count) noexcept {
  if (compute_instances == nullptr || count == nullptr) return Return::kInvalidArgument;
  return WithGpuInstance(
      instance, SimOperation::kListMigDevices,
      [&](Session&, const Handle& handle, const SimBoard& board, const SimInstance& found) {
        int slices = 0;
        const Return code = FindProfile(board, found, profile_id, slices);
        if (code != Return::kSuccess) return code;
        uint32_t listed = 0;
        for (const SimComputeInstance& part : found.compute_instances) {
          if (part.slices == slices) {
            compute_instances[listed++].handle = Encode(PartHandle(handle, part.id));
          }
        }
        *count = listed;
        return Return::kSuccess;
      });
}

Return nvmlGpuInstanceGetComputeInstanceById(GpuInstance instance, uint32_t id,
                                             ComputeInstance* compute_instance) noexcept {
  if (compute_instance == nullptr) return Return::kInvalidArgument;
  return WithGpuInstance(
      instance, SimOperation::kListMigDevices,
      [&](Session&, const Handle& handle, const SimBoard&, const SimInstance& found) {
        for (const SimComputeInstance& part : found.compute_instances) {
          if (static_cast<uint32_t>(part.id.value()) != id) continue;
          compute_instance->handle = Encode(PartHandle(handle, part.id));
          return Return::kSuccess;
        }
        return Return::kNotFound;
      });
}

Return nvmlComputeInstanceGetInfo_v2(ComputeInstance compute_instance,
                                     ComputeInstanceInfo* info) noexcept {
  if (info == nullptr) return Return::kInvalidArgument;
  return WithPart(compute_instance, [&](const Handle& handle, const SimComputeInstance& part) {
    info->device.handle =
        Encode({HandleKind::kMigDevice, handle.gpu, handle.gpu_instance, handle.compute_instance});
    info->gpu_instance.handle =
        Encode({HandleKind::kGpuInstance, handle.gpu, handle.gpu_instance, 0});
    info->id = handle.compute_instance;
    info->profile_id = IndexOf(part.slices);
    info->placement = {static_cast<uint32_t>(part.start), static_cast<uint32_t>(part.slices)};
    return Return::kSuccess;
  });
}

Return nvmlComputeInstanceGetInfo(ComputeInstance compute_instance,
                                  ComputeInstanceInfoV1* info) noexcept {
  if (info == nullptr) return Return::kInvalidArgument;
  ComputeInstanceInfo whole{};
  const Return code = nvmlComputeInstanceGetInfo_v2(compute_instance, &whole);
  if (code == Return::kSuccess) {
    *info = {whole.device, whole.gpu_instance, whole.id, whole.profile_id};
  }
  return code;
}

}  // extern "C"
}  // namespace flexmig::nvml_abi
