#include "flexmig/simhw/sim_node.h"

#include <algorithm>
#include <string>
#include <utility>

#include "flexmig/base/process.h"
#include "flexmig/base/strings.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::simhw {
namespace {

constexpr mig::ComputeInstanceId kNoComputeInstance(hw::kNoInstance);
constexpr mig::GpuInstanceId kWholeGpu(hw::kNoInstance);

hw::MigDevice DeviceOf(const mig::GpuUuid& gpu, const SimBoard& board, const SimInstance& instance,
                       const SimComputeInstance& part) {
  const mig::Placement placement = instance.placed.placement;
  return {MakeMigUuid(gpu, placement, part.id), MakeGpuInstanceId(board.model(), placement),
          part.id, instance.placed};
}

// The compute instance that takes the whole GPU instance; nullptr if there is none.
const SimComputeInstance* WholeOf(const SimBoard& board, const SimInstance& instance) {
  const mig::Profile* profile = board.model().FindProfile(instance.placed.profile);
  const auto& parts = instance.compute_instances;
  const bool is_whole = !parts.empty() && parts.front().slices == profile->compute_slices;
  return is_whole ? &parts.front() : nullptr;
}

}  // namespace

Result<std::unique_ptr<SimNode>> OpenSimNode(std::string_view name, SimOptions options) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto spec, FindNodeSpec(name));
  return std::make_unique<SimNode>(spec, std::move(options));
}

SimNode::SimNode(const NodeSpec& spec, SimOptions options) : machine_(spec, std::move(options)) {}

Result<std::vector<hw::GpuStatus>> SimNode::ListGpus() {
  const std::lock_guard lock(mutex_);
  FLEXMIG_ASSIGN_OR_RETURN(const auto state, machine_.ReadNode(SimOperation::kListGpus));
  std::vector<hw::GpuStatus> gpus;
  for (size_t i = 0; i < state.size(); ++i) {
    const BoardSpec& board = spec().boards[i];
    const mig::GpuIndex index(static_cast<int>(i));
    gpus.push_back({index, machine_.gpu_uuid(index), board.model, board.pci_bus_id,
                    board.pci_device_id, board.pci_subsystem_id, board.numa_node,
                    state[i].state().mig_enabled, state[i].state().mig_enabled_pending});
  }
  return gpus;
}

Status SimNode::SetMigMode(mig::GpuIndex gpu, bool enabled) {
  const std::lock_guard lock(mutex_);
  return machine_.ChangeBoard(SimOperation::kSetMigMode, gpu,
                              [&](SimBoard& board) { return board.SetMigMode(enabled); });
}

Result<std::vector<hw::GpuInstance>> SimNode::ListGpuInstances(mig::GpuIndex gpu) {
  const std::lock_guard lock(mutex_);
  FLEXMIG_ASSIGN_OR_RETURN(const auto board,
                           machine_.ReadBoard(SimOperation::kListGpuInstances, gpu));
  std::vector<hw::GpuInstance> instances;
  for (const SimInstance& instance : board.state().instances) {
    instances.push_back(
        {MakeGpuInstanceId(board.model(), instance.placed.placement), instance.placed});
  }
  std::ranges::sort(instances, {}, &hw::GpuInstance::id);
  return instances;
}

Result<std::vector<hw::MigDevice>> SimNode::ListMigDevices(mig::GpuIndex gpu) {
  const std::lock_guard lock(mutex_);
  FLEXMIG_ASSIGN_OR_RETURN(const auto board,
                           machine_.ReadBoard(SimOperation::kListMigDevices, gpu));
  std::vector<hw::MigDevice> devices;
  for (const SimInstance& instance : board.state().instances) {
    if (const SimComputeInstance* whole = WholeOf(board, instance)) {
      devices.push_back(DeviceOf(machine_.gpu_uuid(gpu), board, instance, *whole));
    }
  }
  return devices;
}

Result<std::vector<hw::GpuProcess>> SimNode::ListProcesses(mig::GpuIndex gpu) {
  const std::lock_guard lock(mutex_);
  FLEXMIG_ASSIGN_OR_RETURN(const auto board, machine_.ReadBoard(SimOperation::kListProcesses, gpu));
  std::vector<hw::GpuProcess> processes;
  for (const SimProcess& process : board.state().processes) {
    processes.push_back({process.pid, process.gpu_instance, process.compute_instance});
  }
  return processes;
}

Result<mig::GpuInstanceId> SimNode::CreateGpuInstance(mig::GpuIndex gpu,
                                                      const mig::PlacedProfile& placed) {
  const std::lock_guard lock(mutex_);
  mig::GpuInstanceId id;
  const auto create = [&](SimBoard& board) -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(id, board.CreateGpuInstance(placed));
    return OkStatus();
  };
  FLEXMIG_RETURN_IF_ERROR(machine_.ChangeBoard(SimOperation::kCreateGpuInstance, gpu, create));
  return id;
}

Result<hw::MigDevice> SimNode::CreateComputeInstance(mig::GpuIndex gpu,
                                                     mig::GpuInstanceId instance) {
  const std::lock_guard lock(mutex_);
  hw::MigDevice device;
  const auto create = [&](SimBoard& board) -> Status {
    FLEXMIG_RETURN_IF_ERROR(board.CreateComputeInstance(instance));
    FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, board.FindInstance(instance));
    device = DeviceOf(machine_.gpu_uuid(gpu), board, *found, *WholeOf(board, *found));
    return OkStatus();
  };
  FLEXMIG_RETURN_IF_ERROR(machine_.ChangeBoard(SimOperation::kCreateComputeInstance, gpu, create));
  return device;
}

Status SimNode::DestroyComputeInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance,
                                       mig::ComputeInstanceId compute_instance) {
  const std::lock_guard lock(mutex_);
  return machine_.ChangeBoard(SimOperation::kDestroyComputeInstance, gpu, [&](SimBoard& board) {
    return board.DestroyComputeInstance(instance, compute_instance);
  });
}

Status SimNode::DestroyGpuInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance) {
  const std::lock_guard lock(mutex_);
  return machine_.ChangeBoard(SimOperation::kDestroyGpuInstance, gpu,
                              [&](SimBoard& board) { return board.DestroyGpuInstance(instance); });
}

Result<SimNode::Place> SimNode::FindPlace(const NodeState& state, std::string_view uuid) const {
  for (size_t i = 0; i < state.size(); ++i) {
    const mig::GpuUuid& gpu = machine_.gpu_uuid(mig::GpuIndex(static_cast<int>(i)));
    if (gpu.value() == uuid) return Place{i, kWholeGpu, kNoComputeInstance};
    for (const SimInstance& instance : state[i].state().instances) {
      for (const SimComputeInstance& part : instance.compute_instances) {
        const hw::MigDevice device = DeviceOf(gpu, state[i], instance, part);
        if (device.uuid.value() == uuid) return Place{i, device.gpu_instance, part.id};
      }
    }
  }
  return NotFoundError(StrCat("no GPU or MIG device ", uuid, " on ", spec().name));
}

Status SimNode::AttachProcess(std::string_view uuid, pid_t pid, Bytes memory) {
  const std::lock_guard lock(mutex_);
  return machine_.ChangeNode([&](NodeState& state) -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const Place place, FindPlace(state, uuid));
    FLEXMIG_ASSIGN_OR_RETURN(const uint64_t start_ticks, ProcessStartTicks(pid));
    return state[place.board]
        .AttachProcess({pid, start_ticks, place.gpu_instance, place.compute_instance, memory})
        .WithContext(uuid);
  });
}

Status SimNode::DetachProcess(std::string_view uuid, pid_t pid) {
  const std::lock_guard lock(mutex_);
  return machine_.ChangeNode([&](NodeState& state) -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const Place place, FindPlace(state, uuid));
    return state[place.board]
        .DetachProcess(pid, place.gpu_instance, place.compute_instance)
        .WithContext(uuid);
  });
}

Status SimNode::Reboot() {
  const std::lock_guard lock(mutex_);
  return machine_.ChangeNode([](NodeState& state) {
    for (SimBoard& board : state) board.Reboot();
    return OkStatus();
  });
}

Status SimNode::RaiseXid(mig::GpuIndex gpu, int xid, mig::GpuInstanceId instance,
                         mig::ComputeInstanceId compute_instance) {
  const std::lock_guard lock(mutex_);
  FLEXMIG_RETURN_IF_ERROR(machine_.CheckGpu(gpu));
  return machine_.ChangeNode([&](NodeState& state) {
    return state[static_cast<size_t>(gpu.value())].RaiseXid(xid, instance, compute_instance);
  });
}

}  // namespace flexmig::simhw
