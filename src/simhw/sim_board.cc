#include "flexmig/simhw/sim_board.h"

#include <algorithm>

#include "flexmig/base/strings.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::simhw {
namespace {

// The one compute instance of a GPU instance has this id; smaller ones are not simulated.
constexpr mig::ComputeInstanceId kComputeInstance(0);
constexpr mig::GpuInstanceId kWholeGpu(hw::kNoInstance);

mig::MigLayout LayoutOf(const BoardState& state) {
  mig::MigLayout layout;
  for (const SimInstance& instance : state.instances) layout.push_back(instance.placed);
  return layout;
}

Status MigIsOff() { return FailedPreconditionError("MIG is off"); }

}  // namespace

Result<SimBoard> SimBoard::Restore(const mig::GpuModel& model, BoardState state) {
  if (state.mig_enabled && !state.mig_enabled_pending) {
    return DataLossError("MIG waits to be switched off, which never has to wait");
  }
  if (!model.mode_change_needs_reset && state.mig_enabled != state.mig_enabled_pending) {
    return DataLossError("MIG waits for a reset on a GPU that switches without one");
  }
  if (!state.mig_enabled && !state.instances.empty()) {
    return DataLossError("instances although MIG is off");
  }
  if (!std::ranges::is_sorted(state.instances, {}, &SimInstance::placed)) {
    return DataLossError("instances are not sorted by placement");
  }
  if (const Status status = mig::CheckLayout(model, LayoutOf(state)); !status.ok()) {
    return DataLossError(status.message());
  }
  // Processes that came before a switch without reset still hold the whole GPU.
  const bool whole_gpu_allowed =
      state.instances.empty() && (!state.mig_enabled || !model.mode_change_needs_reset);
  SimBoard board(model);
  board.state_ = state;
  board.state_.processes.clear();
  for (const SimProcess& process : state.processes) {
    if (process.pid <= 0) return DataLossError(StrCat("process id ", process.pid));
    const bool on_whole_gpu = process.gpu_instance == kWholeGpu;
    board.state_.mig_enabled = state.mig_enabled && !(on_whole_gpu && whole_gpu_allowed);
    if (const Status status = board.AttachProcess(process); !status.ok()) {
      return DataLossError(status.message());
    }
  }
  board.state_.mig_enabled = state.mig_enabled;
  return board;
}

Result<const SimInstance*> SimBoard::FindInstance(mig::GpuInstanceId instance) const {
  for (const SimInstance& candidate : state_.instances) {
    if (MakeGpuInstanceId(*model_, candidate.placed.placement) == instance) return &candidate;
  }
  return NotFoundError(StrCat("no GPU instance ", instance.value()));
}

std::string SimBoard::ProcessesOn(mig::GpuInstanceId instance) const {
  std::vector<std::string> pids;
  for (const SimProcess& process : state_.processes) {
    if (process.gpu_instance == instance) pids.push_back(StrCat(process.pid));
  }
  if (pids.empty()) return "";
  return StrCat(pids.size() == 1 ? "process " : "processes ", StrJoin(pids, ", "));
}

Status SimBoard::SetMigMode(bool enabled) {
  if (!enabled && !state_.instances.empty()) {
    return FailedPreconditionError(StrCat("MIG cannot be switched off while ",
                                          state_.instances.size(), " GPU instances exist"));
  }
  state_.mig_enabled_pending = enabled;
  // Without instances every process is on the whole GPU, and stands in the way of a reset.
  if (!model_->mode_change_needs_reset || state_.processes.empty()) state_.mig_enabled = enabled;
  return OkStatus();
}

Result<mig::GpuInstanceId> SimBoard::CreateGpuInstance(const mig::PlacedProfile& placed) {
  if (!state_.mig_enabled) return MigIsOff();
  if (const std::string processes = ProcessesOn(kWholeGpu); !processes.empty()) {
    return FailedPreconditionError(
        StrCat("the first GPU instance needs an idle GPU, which is in use by ", processes));
  }
  mig::MigLayout layout = LayoutOf(state_);
  layout.insert(std::ranges::upper_bound(layout, placed), placed);
  FLEXMIG_RETURN_IF_ERROR(mig::CheckLayout(*model_, layout));
  const auto position =
      std::ranges::upper_bound(state_.instances, placed, {}, &SimInstance::placed);
  state_.instances.insert(position, SimInstance{placed, false});
  return MakeGpuInstanceId(*model_, placed.placement);
}

Status SimBoard::CreateComputeInstance(mig::GpuInstanceId instance) {
  FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, FindInstance(instance));
  if (found->has_compute_instance) {
    return AlreadyExistsError(StrCat("GPU instance ", instance.value(),
                                     " holds a compute instance that takes all of it"));
  }
  state_.instances[IndexOf(found)].has_compute_instance = true;
  return OkStatus();
}

Status SimBoard::DestroyComputeInstance(mig::GpuInstanceId instance,
                                        mig::ComputeInstanceId compute_instance) {
  FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, FindInstance(instance));
  if (!found->has_compute_instance || compute_instance != kComputeInstance) {
    return NotFoundError(StrCat("no compute instance ", compute_instance.value(),
                                " in GPU instance ", instance.value()));
  }
  if (const std::string processes = ProcessesOn(instance); !processes.empty()) {
    return FailedPreconditionError(StrCat("compute instance ", compute_instance.value(),
                                          " of GPU instance ", instance.value(), " is in use by ",
                                          processes));
  }
  state_.instances[IndexOf(found)].has_compute_instance = false;
  return OkStatus();
}

Status SimBoard::DestroyGpuInstance(mig::GpuInstanceId instance) {
  FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, FindInstance(instance));
  if (found->has_compute_instance) {
    return FailedPreconditionError(
        StrCat("GPU instance ", instance.value(), " is in use: it holds a compute instance"));
  }
  state_.instances.erase(state_.instances.begin() + static_cast<std::ptrdiff_t>(IndexOf(found)));
  return OkStatus();
}

Status SimBoard::AttachProcess(const SimProcess& process) {
  if (process.gpu_instance == kWholeGpu) {
    if (state_.mig_enabled) return FailedPreconditionError("MIG is on: use a MIG device");
  } else {
    FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, FindInstance(process.gpu_instance));
    if (!found->has_compute_instance) {
      return FailedPreconditionError(
          StrCat("GPU instance ", process.gpu_instance.value(), " holds no compute instance"));
    }
  }
  for (const SimProcess& present : state_.processes) {
    if (present.pid == process.pid && present.gpu_instance == process.gpu_instance) {
      return AlreadyExistsError(StrCat("process ", process.pid, " is attached already"));
    }
  }
  state_.processes.push_back(process);
  return OkStatus();
}

Status SimBoard::DetachProcess(pid_t pid, mig::GpuInstanceId instance) {
  const auto removed = std::erase_if(state_.processes, [&](const SimProcess& process) {
    return process.pid == pid && process.gpu_instance == instance;
  });
  if (removed == 0) return NotFoundError(StrCat("process ", pid, " is not attached"));
  return OkStatus();
}

void SimBoard::DropProcesses(const std::function<bool(const SimProcess&)>& is_alive) {
  std::erase_if(state_.processes, [&](const SimProcess& process) { return !is_alive(process); });
}

}  // namespace flexmig::simhw
