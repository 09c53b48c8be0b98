#include "flexmig/simhw/sim_machine.h"

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
#include "flexmig/simhw/capability_tree.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::simhw {
namespace {

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
    case SimFault::kNoPermission:
      return PermissionDeniedError(
          "the driver asks for privileges: run as root, or get access to its capability "
          "mig/config");
    case SimFault::kNoRoom: return ResourceExhaustedError("insufficient resources");
    case SimFault::kTimeout: return DeadlineExceededError("the driver did not answer in time");
  }
  FLEXMIG_CHECK(false && "a SimFault outside its enumeration");
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

// Tells the caller which fault stands behind the status.
Status Report(const Status& status, SimFault fault, SimFault* out) {
  if (out != nullptr) *out = fault;
  return status;
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
  if (const auto root = GetEnv("FLEXMIG_SIM_ROOT")) options.capability_root = *root;
  return options;
}

SimMachine::SimMachine(const NodeSpec& spec, SimOptions options)
    : is_alive_(options.is_alive ? std::move(options.is_alive) : ProcessIsAlive),
      capability_root_(std::move(options.capability_root)),
      gpu_uuids_(UuidsOf(spec)),
      store_(spec,
             options.state_directory.empty() ? std::filesystem::path()
                                             : options.state_directory / spec.name,
             options.lock_wait),
      player_(std::move(options.script)) {}

Status SimMachine::CheckGpu(mig::GpuIndex gpu) const {
  if (gpu.value() >= 0 && gpu.value() < gpu_count()) return OkStatus();
  return NotFoundError(
      StrCat("no GPU ", gpu.value(), ": ", spec().name, " has GPUs 0 to ", gpu_count() - 1));
}

Result<NodeState> SimMachine::ReadNode(SimOperation operation, SimFault* fault) {
  const SimVerdict verdict = player_.Next(operation, std::nullopt);
  FLEXMIG_RETURN_IF_ERROR(Report(Suffer(verdict), verdict.fault, fault));
  return store_.Read();
}

Result<SimBoard> SimMachine::ReadBoard(SimOperation operation, mig::GpuIndex gpu, SimFault* fault) {
  FLEXMIG_RETURN_IF_ERROR(CheckGpu(gpu));
  const SimVerdict verdict = player_.Next(operation, gpu);
  const Status status = Suffer(verdict).WithContext(GpuName(gpu));
  FLEXMIG_RETURN_IF_ERROR(RaiseXids(gpu, verdict));
  FLEXMIG_RETURN_IF_ERROR(Report(status, verdict.fault, fault));
  FLEXMIG_ASSIGN_OR_RETURN(auto state, store_.Read());
  SimBoard board = std::move(state[static_cast<size_t>(gpu.value())]);
  board.DropProcesses(is_alive_);
  return board;
}

Status SimMachine::ChangeBoard(SimOperation operation, mig::GpuIndex gpu,
                               const std::function<Status(SimBoard&)>& change, SimFault* fault) {
  FLEXMIG_RETURN_IF_ERROR(CheckGpu(gpu));
  const SimVerdict verdict = player_.Next(operation, gpu);
  bool suffered = false;
  const Status status = Store([&](NodeState& state) -> Status {
    const Status trouble = Suffer(verdict).WithContext(GpuName(gpu));
    suffered = !trouble.ok();
    FLEXMIG_RETURN_IF_ERROR(trouble);
    SimBoard& board = state[static_cast<size_t>(gpu.value())];
    board.DropProcesses(is_alive_);
    SimBoard changed = board;
    FLEXMIG_RETURN_IF_ERROR(change(changed).WithContext(GpuName(gpu)));
    if (verdict.fault != SimFault::kPretend) board = std::move(changed);
    return OkStatus();
  });
  FLEXMIG_RETURN_IF_ERROR(RaiseXids(gpu, verdict));
  FLEXMIG_RETURN_IF_ERROR(Report(status, suffered ? verdict.fault : SimFault::kNone, fault));
  if (verdict.die_after) Die();
  return OkStatus();
}

Status SimMachine::ChangeNode(const std::function<Status(NodeState&)>& change) {
  return Store([&](NodeState& state) {
    for (SimBoard& board : state) board.DropProcesses(is_alive_);
    return change(state);
  });
}

Status SimMachine::RaiseXids(mig::GpuIndex gpu, const SimVerdict& verdict) {
  if (verdict.xids.empty()) return OkStatus();
  return Store([&](NodeState& state) -> Status {
    SimBoard& board = state[static_cast<size_t>(gpu.value())];
    for (const SimXid& xid : verdict.xids) {
      const bool on_leaf = xid.gpu_instance.value() != hw::kNoInstance;
      const mig::ComputeInstanceId part(on_leaf ? 0 : hw::kNoInstance);
      // An instance that is gone by now cannot be hit; nothing is reported then.
      Status raised = board.RaiseXid(xid.number, xid.gpu_instance, part);
      if (!raised.ok() && raised.code() != StatusCode::kNotFound) return raised;
    }
    return OkStatus();
  });
}

Status SimMachine::Store(const std::function<Status(NodeState&)>& change) {
  return store_.Change(change, [&](const NodeState& state) {
    return capability_root_.empty() ? OkStatus() : WriteCapabilityTree(capability_root_, state);
  });
}

Status SimMachine::RefreshCapabilities() {
  if (capability_root_.empty()) return OkStatus();
  return Store([](NodeState&) { return OkStatus(); });
}

}  // namespace flexmig::simhw
