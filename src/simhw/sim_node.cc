#include "flexmig/simhw/sim_node.h"

#include <algorithm>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

#include "flexmig/base/check.h"
#include "flexmig/base/env.h"
#include "flexmig/base/file.h"
#include "flexmig/base/process.h"
#include "flexmig/base/strings.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::simhw {
namespace {

constexpr mig::ComputeInstanceId kComputeInstance(0);
constexpr mig::GpuInstanceId kWholeGpu(hw::kNoInstance);

bool ProcessIsAlive(const SimProcess& process) {
  const auto ticks = ProcessStartTicks(process.pid);
  if (!ticks.ok() || *ticks != process.start_ticks) return false;
  // A kernel without pidfds cannot tell a zombie; the start time has to do.
  const auto pidfd = OpenPidFd(process.pid);
  return pidfd.ok() ? !HasExited(*pidfd) : pidfd.status().code() == StatusCode::kUnimplemented;
}

std::vector<mig::GpuUuid> UuidsOf(const NodeSpec& spec) {
  std::vector<mig::GpuUuid> uuids;
  for (size_t i = 0; i < spec.boards.size(); ++i) {
    uuids.push_back(MakeGpuUuid(spec.name, mig::GpuIndex(static_cast<int>(i))));
  }
  return uuids;
}

std::string GpuName(mig::GpuIndex gpu) { return StrCat("GPU ", gpu.value()); }

Status FaultStatus(SimFault fault) {
  switch (fault) {
    case SimFault::kNone:
    case SimFault::kPretend: return OkStatus();
    case SimFault::kBusy: return UnavailableError("in use for a moment");
    case SimFault::kInUse:
      return FailedPreconditionError("in use by a client that no process list shows");
    case SimFault::kLost: return UnavailableError("the GPU does not answer");
    case SimFault::kNoPermission: return PermissionDeniedError("the driver asks for privileges");
    case SimFault::kNoRoom: return ResourceExhaustedError("insufficient resources");
    case SimFault::kTimeout: return DeadlineExceededError("the driver did not answer in time");
  }
  FLEXMIG_CHECK(!"a SimFault outside its enumeration");
}

// The process ends as by kill -9: nothing is flushed, no destructor runs.
void Die() {
  ::kill(::getpid(), SIGKILL);
  while (true) ::pause();
}

// The part of a verdict that comes before the call itself.
Status Suffer(const SimVerdict& verdict) {
  if (verdict.delay.count() > 0) std::this_thread::sleep_for(verdict.delay);
  if (verdict.die_before) Die();
  return FaultStatus(verdict.fault);
}

}  // namespace

Result<SimOptions> SimOptionsFromEnvironment() {
  SimOptions options;
  FLEXMIG_ASSIGN_OR_RETURN(const auto state, StateDirectory());
  options.state_directory = state / "sim";
  if (const auto file = GetEnv("FLEXMIG_SIM_SCRIPT")) {
    const auto text = ReadFile(*file);
    if (!text.ok()) return text.status().WithContext("FLEXMIG_SIM_SCRIPT");
    FLEXMIG_ASSIGN_OR_RETURN(options.script, ParseSimScript(*text, *file));
  }
  return options;
}

Result<std::unique_ptr<SimNode>> OpenSimNode(std::string_view name, SimOptions options) {
  FLEXMIG_ASSIGN_OR_RETURN(auto spec, FindNodeSpec(name));
  return std::make_unique<SimNode>(std::move(spec), std::move(options));
}

SimNode::SimNode(NodeSpec spec, SimOptions options)
    : is_alive_(options.is_alive ? std::move(options.is_alive) : ProcessIsAlive),
      gpu_uuids_(UuidsOf(spec)),
      store_(spec,
             options.state_directory.empty() ? std::filesystem::path()
                                             : options.state_directory / spec.name,
             options.lock_wait),
      player_(std::move(options.script)) {}

Status SimNode::CheckGpu(mig::GpuIndex gpu) const {
  const auto count = static_cast<int>(gpu_uuids_.size());
  if (gpu.value() >= 0 && gpu.value() < count) return OkStatus();
  return NotFoundError(
      StrCat("no GPU ", gpu.value(), ": ", spec().name, " has GPUs 0 to ", count - 1));
}

Result<SimBoard> SimNode::ReadBoard(SimOperation operation, mig::GpuIndex gpu) {
  FLEXMIG_RETURN_IF_ERROR(CheckGpu(gpu));
  FLEXMIG_RETURN_IF_ERROR(Suffer(player_.Next(operation, gpu)).WithContext(GpuName(gpu)));
  FLEXMIG_ASSIGN_OR_RETURN(auto state, store_.Read());
  SimBoard board = std::move(state[static_cast<size_t>(gpu.value())]);
  board.DropProcesses(is_alive_);
  return board;
}

Status SimNode::ChangeBoard(SimOperation operation, mig::GpuIndex gpu,
                            const std::function<Status(SimBoard&)>& change) {
  FLEXMIG_RETURN_IF_ERROR(CheckGpu(gpu));
  const SimVerdict verdict = player_.Next(operation, gpu);
  const Status status = store_.Change([&](NodeState& state) -> Status {
    FLEXMIG_RETURN_IF_ERROR(Suffer(verdict).WithContext(GpuName(gpu)));
    SimBoard& board = state[static_cast<size_t>(gpu.value())];
    board.DropProcesses(is_alive_);
    SimBoard changed = board;
    FLEXMIG_RETURN_IF_ERROR(change(changed).WithContext(GpuName(gpu)));
    if (verdict.fault != SimFault::kPretend) board = std::move(changed);
    return OkStatus();
  });
  FLEXMIG_RETURN_IF_ERROR(status);
  if (verdict.die_after) Die();
  return OkStatus();
}

Result<std::vector<hw::GpuStatus>> SimNode::ListGpus() {
  const std::lock_guard lock(mutex_);
  FLEXMIG_RETURN_IF_ERROR(Suffer(player_.Next(SimOperation::kListGpus, std::nullopt)));
  FLEXMIG_ASSIGN_OR_RETURN(const auto state, store_.Read());
  std::vector<hw::GpuStatus> gpus;
  for (size_t i = 0; i < state.size(); ++i) {
    const BoardSpec& board = spec().boards[i];
    gpus.push_back({mig::GpuIndex(static_cast<int>(i)), gpu_uuids_[i], board.model,
                    board.pci_bus_id, board.numa_node, state[i].state().mig_enabled,
                    state[i].state().mig_enabled_pending});
  }
  return gpus;
}

Status SimNode::SetMigMode(mig::GpuIndex gpu, bool enabled) {
  const std::lock_guard lock(mutex_);
  return ChangeBoard(SimOperation::kSetMigMode, gpu,
                     [&](SimBoard& board) { return board.SetMigMode(enabled); });
}

Result<std::vector<hw::GpuInstance>> SimNode::ListGpuInstances(mig::GpuIndex gpu) {
  const std::lock_guard lock(mutex_);
  FLEXMIG_ASSIGN_OR_RETURN(const auto board, ReadBoard(SimOperation::kListGpuInstances, gpu));
  std::vector<hw::GpuInstance> instances;
  for (const SimInstance& instance : board.state().instances) {
    instances.push_back(
        {MakeGpuInstanceId(board.model(), instance.placed.placement), instance.placed});
  }
  std::ranges::sort(instances, {}, &hw::GpuInstance::id);
  return instances;
}

hw::MigDevice SimNode::DeviceOf(mig::GpuIndex gpu, const SimBoard& board,
                                const SimInstance& instance) const {
  const mig::Placement placement = instance.placed.placement;
  return {MakeMigUuid(gpu_uuids_[static_cast<size_t>(gpu.value())], placement, kComputeInstance),
          MakeGpuInstanceId(board.model(), placement), kComputeInstance, instance.placed};
}

Result<std::vector<hw::MigDevice>> SimNode::ListMigDevices(mig::GpuIndex gpu) {
  const std::lock_guard lock(mutex_);
  FLEXMIG_ASSIGN_OR_RETURN(const auto board, ReadBoard(SimOperation::kListMigDevices, gpu));
  std::vector<hw::MigDevice> devices;
  for (const SimInstance& instance : board.state().instances) {
    if (instance.has_compute_instance) devices.push_back(DeviceOf(gpu, board, instance));
  }
  return devices;
}

Result<std::vector<hw::GpuProcess>> SimNode::ListProcesses(mig::GpuIndex gpu) {
  const std::lock_guard lock(mutex_);
  FLEXMIG_ASSIGN_OR_RETURN(const auto board, ReadBoard(SimOperation::kListProcesses, gpu));
  std::vector<hw::GpuProcess> processes;
  for (const SimProcess& process : board.state().processes) {
    const bool whole = process.gpu_instance == kWholeGpu;
    processes.push_back({process.pid, process.gpu_instance,
                         whole ? mig::ComputeInstanceId(hw::kNoInstance) : kComputeInstance});
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
  FLEXMIG_RETURN_IF_ERROR(ChangeBoard(SimOperation::kCreateGpuInstance, gpu, create));
  return id;
}

Result<hw::MigDevice> SimNode::CreateComputeInstance(mig::GpuIndex gpu,
                                                     mig::GpuInstanceId instance) {
  const std::lock_guard lock(mutex_);
  hw::MigDevice device;
  const auto create = [&](SimBoard& board) -> Status {
    FLEXMIG_RETURN_IF_ERROR(board.CreateComputeInstance(instance));
    FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, board.FindInstance(instance));
    device = DeviceOf(gpu, board, *found);
    return OkStatus();
  };
  FLEXMIG_RETURN_IF_ERROR(ChangeBoard(SimOperation::kCreateComputeInstance, gpu, create));
  return device;
}

Status SimNode::DestroyComputeInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance,
                                       mig::ComputeInstanceId compute_instance) {
  const std::lock_guard lock(mutex_);
  return ChangeBoard(SimOperation::kDestroyComputeInstance, gpu, [&](SimBoard& board) {
    return board.DestroyComputeInstance(instance, compute_instance);
  });
}

Status SimNode::DestroyGpuInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance) {
  const std::lock_guard lock(mutex_);
  return ChangeBoard(SimOperation::kDestroyGpuInstance, gpu,
                     [&](SimBoard& board) { return board.DestroyGpuInstance(instance); });
}

Result<SimNode::Place> SimNode::FindPlace(const NodeState& state, std::string_view uuid) const {
  for (size_t i = 0; i < state.size(); ++i) {
    if (gpu_uuids_[i].value() == uuid) return Place{i, kWholeGpu};
    const mig::GpuIndex gpu(static_cast<int>(i));
    for (const SimInstance& instance : state[i].state().instances) {
      const hw::MigDevice device = DeviceOf(gpu, state[i], instance);
      if (device.uuid.value() == uuid) return Place{i, device.gpu_instance};
    }
  }
  return NotFoundError(StrCat("no GPU or MIG device ", uuid, " on ", spec().name));
}

Status SimNode::AttachProcess(std::string_view uuid, pid_t pid) {
  const std::lock_guard lock(mutex_);
  return store_.Change([&](NodeState& state) -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const Place place, FindPlace(state, uuid));
    FLEXMIG_ASSIGN_OR_RETURN(const uint64_t start_ticks, ProcessStartTicks(pid));
    SimBoard& board = state[place.board];
    board.DropProcesses(is_alive_);
    return board.AttachProcess({pid, start_ticks, place.instance}).WithContext(uuid);
  });
}

Status SimNode::DetachProcess(std::string_view uuid, pid_t pid) {
  const std::lock_guard lock(mutex_);
  return store_.Change([&](NodeState& state) -> Status {
    FLEXMIG_ASSIGN_OR_RETURN(const Place place, FindPlace(state, uuid));
    return state[place.board].DetachProcess(pid, place.instance).WithContext(uuid);
  });
}

}  // namespace flexmig::simhw
