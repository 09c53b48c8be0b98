#include "instances.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "flexmig/base/strings.h"

#include "mig_uuid.h"
#include "return_status.h"

namespace flexmig::nvml {
namespace {

using nvml_abi::ComputeInstance;
using nvml_abi::Device;
using nvml_abi::GpuInstance;
using nvml_abi::Return;

// A GPU holds at most 8 GPU instances, and these at most 8 compute instances (the driver's tables).
// The functions write as many as there are, without asking how long the buffer is.
constexpr size_t kMaxInstances = 64;

// A handle that was listed a moment ago and is wrong now.
Status Walked(Return code, std::string_view what) {
  if (code == Return::kInvalidArgument || code == Return::kNotFound) {
    return AbortedError(StrCat(what, " went away while it was listed"));
  }
  return ToStatus(code, what);
}

Result<std::string> UuidOf(const Library& library, Device device) {
  char uuid[nvml_abi::kUuidSize]{};
  const Return code =
      library.Call(library.functions().uuid, device, &uuid[0], uint32_t{sizeof uuid});
  FLEXMIG_RETURN_IF_ERROR(Walked(code, "a MIG device"));
  return std::string(uuid, ::strnlen(uuid, sizeof uuid));
}

// By index, for drivers that do not tell the MIG device of a compute instance.
Result<mig::MigUuid> FindUuid(const Library& library, const Board& board, uint32_t gi,
                              uint32_t ci) {
  const FunctionTable& f = library.functions();
  uint32_t count = 0;
  FLEXMIG_RETURN_IF_ERROR(ToStatus(library.Call(f.max_mig_devices, board.device, &count),
                                   "nvmlDeviceGetMaxMigDeviceCount"));
  for (uint32_t index = 0; index < count; ++index) {
    Device device;
    const Return code = library.Call(f.mig_device_by_index, board.device, index, &device);
    if (code == Return::kNotFound) continue;  // a hole
    FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "nvmlDeviceGetMigDeviceHandleByIndex"));
    uint32_t its_gi = 0;
    uint32_t its_ci = 0;
    FLEXMIG_RETURN_IF_ERROR(Walked(library.Call(f.gi_id, device, &its_gi), "a MIG device"));
    FLEXMIG_RETURN_IF_ERROR(Walked(library.Call(f.ci_id, device, &its_ci), "a MIG device"));
    if (its_gi != gi || its_ci != ci) continue;
    FLEXMIG_ASSIGN_OR_RETURN(auto uuid, UuidOf(library, device));
    return mig::MigUuid(std::move(uuid));
  }
  return AbortedError("a MIG device went away while it was listed");
}

Result<PartRecord> ReadPart(const Library& library, const Board& board, uint32_t gi,
                            ComputeInstance part, int compute_slices) {
  const FunctionTable& f = library.functions();
  PartRecord record;
  record.compute_slices = compute_slices;
  nvml_abi::ComputeInstanceInfo info{};
  Return code = library.Call(f.ci_info_v2, part, &info);
  if (code == Return::kSuccess) {
    record.id = mig::ComputeInstanceId(static_cast<int>(info.id));
    FLEXMIG_ASSIGN_OR_RETURN(auto uuid, UuidOf(library, info.device));
    record.uuid = mig::MigUuid(std::move(uuid));
    return record;
  }
  if (code == Return::kFunctionNotFound) {
    nvml_abi::ComputeInstanceInfoV1 old{};
    code = library.Call(f.ci_info_v1, part, &old);
    if (code == Return::kSuccess) {
      record.id = mig::ComputeInstanceId(static_cast<int>(old.id));
      FLEXMIG_ASSIGN_OR_RETURN(record.uuid, FindUuid(library, board, gi, old.id));
      return record;
    }
  }
  return Walked(code, "a compute instance");
}

using PartProfileVisitor = std::function<Status(const nvml_abi::ComputeInstanceProfileInfo&)>;

// Calls `visit` with every compute-instance profile of the instance, until it fails.
Status VisitPartProfiles(const Library& library, GpuInstance instance,
                         const PartProfileVisitor& visit) {
  constexpr uint32_t kShared = 0;  // NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED
  for (uint32_t index = 0; index < nvml_abi::kMaxProfileIndex; ++index) {
    nvml_abi::ComputeInstanceProfileInfo info{};
    const Return code =
        library.Call(library.functions().ci_profile_info, instance, index, kShared, &info);
    if (code == Return::kNotSupported) continue;  // a hole
    if (code == Return::kInvalidArgument) {
      // Beyond the last; or, at once, a handle that has become wrong.
      return index == 0 ? Walked(code, "a GPU instance") : OkStatus();
    }
    FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "nvmlGpuInstanceGetComputeInstanceProfileInfo"));
    FLEXMIG_RETURN_IF_ERROR(visit(info));
  }
  return OkStatus();
}

Result<InstanceRecord> ReadInstance(const Library& library, const Board& board,
                                    GpuInstance instance) {
  nvml_abi::GpuInstanceInfo info{};
  FLEXMIG_RETURN_IF_ERROR(
      Walked(library.Call(library.functions().gi_info, instance, &info), "a GPU instance"));
  InstanceRecord record;
  record.id = mig::GpuInstanceId(static_cast<int>(info.id));
  record.placed = {mig::ProfileId(static_cast<int>(info.profile_id)),
                   {static_cast<int>(info.placement.start), static_cast<int>(info.placement.size)}};
  FLEXMIG_ASSIGN_OR_RETURN(record.parts, ListParts(library, board, instance));
  return record;
}

}  // namespace

Result<GpuInstance> FindGpuInstance(const Library& library, const Board& board,
                                    mig::GpuInstanceId id) {
  const std::string what = StrCat("GPU instance ", id.value());
  if (id.value() < 0) return NotFoundError(StrCat("no ", what));
  GpuInstance instance;
  const Return code = library.Call(library.functions().gi_by_id, board.device,
                                   static_cast<uint32_t>(id.value()), &instance);
  // With MIG off there is none, whatever its id.
  if (code == Return::kNotFound || code == Return::kNotSupported ||
      code == Return::kInvalidArgument) {
    return NotFoundError(StrCat("no ", what));
  }
  FLEXMIG_RETURN_IF_ERROR(ToStatus(code, what));
  return instance;
}

Result<std::vector<PartRecord>> ListParts(const Library& library, const Board& board,
                                          GpuInstance instance) {
  const FunctionTable& f = library.functions();
  nvml_abi::GpuInstanceInfo owner{};
  FLEXMIG_RETURN_IF_ERROR(Walked(library.Call(f.gi_info, instance, &owner), "a GPU instance"));
  std::vector<PartRecord> parts;
  const auto read = [&](const nvml_abi::ComputeInstanceProfileInfo& profile) -> Status {
    ComputeInstance buffer[kMaxInstances]{};
    uint32_t count = kMaxInstances;
    const Return code = library.Call(f.compute_instances, instance, profile.id, &buffer[0], &count);
    if (code == Return::kNotSupported) return OkStatus();
    FLEXMIG_RETURN_IF_ERROR(Walked(code, "a GPU instance"));
    for (uint32_t i = 0; i < count && i < kMaxInstances; ++i) {
      FLEXMIG_ASSIGN_OR_RETURN(
          parts.emplace_back(),
          ReadPart(library, board, owner.id, buffer[i], static_cast<int>(profile.slice_count)));
    }
    return OkStatus();
  };
  FLEXMIG_RETURN_IF_ERROR(VisitPartProfiles(library, instance, read));
  std::ranges::sort(parts, {}, &PartRecord::id);
  return parts;
}

Result<std::vector<InstanceRecord>> ListInstances(const Library& library, const Board& board) {
  std::vector<InstanceRecord> records;
  for (const mig::Profile& profile : board.model->profiles) {
    GpuInstance buffer[kMaxInstances]{};
    uint32_t count = kMaxInstances;
    const Return code = library.Call(library.functions().gpu_instances, board.device,
                                     static_cast<uint32_t>(profile.id.value()), &buffer[0], &count);
    // MIG is off, or a table knows a profile that this driver does not.
    if (code == Return::kNotSupported || code == Return::kInvalidArgument) continue;
    FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "nvmlDeviceGetGpuInstances"));
    for (uint32_t i = 0; i < count && i < kMaxInstances; ++i) {
      FLEXMIG_ASSIGN_OR_RETURN(records.emplace_back(), ReadInstance(library, board, buffer[i]));
    }
  }
  std::ranges::sort(records, {}, &InstanceRecord::id);
  return records;
}

Result<uint32_t> WholeProfileId(const Library& library, GpuInstance instance, int compute_slices) {
  // Of two with all slices the one with more SMs: Hopper has a narrow and a wide single slice.
  std::optional<nvml_abi::ComputeInstanceProfileInfo> whole;
  const auto look = [&](const nvml_abi::ComputeInstanceProfileInfo& profile) {
    const bool takes_all = static_cast<int>(profile.slice_count) == compute_slices;
    const bool is_wider = !whole || profile.multiprocessor_count > whole->multiprocessor_count;
    if (takes_all && is_wider) whole = profile;
    return OkStatus();
  };
  FLEXMIG_RETURN_IF_ERROR(VisitPartProfiles(library, instance, look));
  if (whole) return whole->id;
  return UnimplementedError(
      StrCat("the driver has no compute instance of ", compute_slices, " slices"));
}

Result<std::vector<hw::GpuProcess>> ListClients(const Library& library, const Board& board) {
  std::vector<nvml_abi::ProcessInfo> infos(64);
  Return code = Return::kInsufficientSize;
  uint32_t count = 0;
  // Processes may come while the buffer grows; a doubled one holds the newcomers.
  for (int round = 0; code == Return::kInsufficientSize && round < 8; ++round) {
    if (round > 0) infos.resize(2 * std::max<size_t>(infos.size(), count));
    count = static_cast<uint32_t>(infos.size());
    code = library.Call(library.functions().processes, board.device, &count, infos.data());
  }
  FLEXMIG_RETURN_IF_ERROR(ToStatus(code, "nvmlDeviceGetComputeRunningProcesses"));
  const auto id_or_none = [](uint32_t id) {
    return id == nvml_abi::kNoInstanceId ? hw::kNoInstance : static_cast<int>(id);
  };
  std::vector<hw::GpuProcess> clients;
  for (uint32_t i = 0; i < count && i < infos.size(); ++i) {
    clients.push_back({static_cast<pid_t>(infos[i].pid),
                       mig::GpuInstanceId(id_or_none(infos[i].gpu_instance_id)),
                       mig::ComputeInstanceId(id_or_none(infos[i].compute_instance_id))});
  }
  return clients;
}

}  // namespace flexmig::nvml
