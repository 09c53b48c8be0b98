#include "flexmig/simhw/sim_board.h"

#include <algorithm>
#include <set>

#include "flexmig/base/strings.h"
#include "flexmig/simhw/identity.h"

namespace flexmig::simhw {
namespace {

constexpr mig::ComputeInstanceId kNoComputeInstance(hw::kNoInstance);
constexpr mig::GpuInstanceId kWholeGpu(hw::kNoInstance);

mig::MigLayout LayoutOf(const BoardState& state) {
  mig::MigLayout layout;
  for (const SimInstance& instance : state.instances) layout.push_back(instance.placed);
  return layout;
}

// The limit of the driver's minor numbers, and more than any profile has compute slices.
constexpr int kMaxComputeInstances = 8;

bool Overlap(const SimComputeInstance& a, int start, int slices) {
  return a.start < start + slices && start < a.start + a.slices;
}

Status CheckComputeInstances(const mig::Profile& profile,
                             const std::vector<SimComputeInstance>& instances) {
  int end = 0;
  std::set<mig::ComputeInstanceId> ids;
  for (const SimComputeInstance& instance : instances) {
    if (instance.slices < 1 || instance.start < end ||
        instance.slices > profile.compute_slices - instance.start) {
      return DataLossError(StrCat("compute instance ", instance.id.value(), " at ", instance.start,
                                  ":", instance.slices, " does not fit in ", profile.name));
    }
    end = instance.start + instance.slices;
    if (instance.id.value() < 0 || instance.id.value() >= kMaxComputeInstances ||
        !ids.insert(instance.id).second) {
      return DataLossError(
          StrCat("compute instance id ", instance.id.value(), " in ", profile.name));
    }
  }
  return OkStatus();
}

Status CheckEvents(const std::vector<SimEvent>& events) {
  if (events.size() > kRememberedEvents) return DataLossError("too many events");
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i].number != events.front().number + i || events[i].number == 0) {
      return DataLossError(StrCat("event number ", events[i].number));
    }
  }
  return OkStatus();
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
  for (const SimInstance& instance : state.instances) {
    FLEXMIG_RETURN_IF_ERROR(CheckComputeInstances(*model.FindProfile(instance.placed.profile),
                                                  instance.compute_instances));
  }
  FLEXMIG_RETURN_IF_ERROR(CheckEvents(state.events));
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

std::string SimBoard::ProcessesOn(mig::GpuInstanceId instance,
                                  mig::ComputeInstanceId compute_instance) const {
  std::vector<std::string> pids;
  for (const SimProcess& process : state_.processes) {
    if (process.gpu_instance == instance && process.compute_instance == compute_instance) {
      pids.push_back(StrCat(process.pid));
    }
  }
  if (pids.empty()) return "";
  return StrCat(pids.size() == 1 ? "process " : "processes ", StrJoin(pids, ", "));
}

void SimBoard::Remember(SimEvent event) {
  auto& events = state_.events;
  event.number = events.empty() ? 1 : events.back().number + 1;
  if (events.size() == kRememberedEvents) events.erase(events.begin());
  events.push_back(event);
}

Status SimBoard::SetMigMode(bool enabled) {
  if (!enabled && !state_.instances.empty()) {
    return FailedPreconditionError(StrCat("MIG cannot be switched off while ",
                                          state_.instances.size(), " GPU instances exist"));
  }
  state_.mig_enabled_pending = enabled;
  // Without instances every process is on the whole GPU, and stands in the way of a reset.
  if (model_->mode_change_needs_reset && !state_.processes.empty()) return OkStatus();
  if (state_.mig_enabled != enabled) RememberMigChange();
  state_.mig_enabled = enabled;
  return OkStatus();
}

void SimBoard::Reboot() {
  RememberMigChange();
  state_.mig_enabled = model_->mode_change_needs_reset && state_.mig_enabled_pending;
  state_.mig_enabled_pending = state_.mig_enabled;
  state_.instances.clear();
  state_.processes.clear();
}

Result<mig::GpuInstanceId> SimBoard::CreateGpuInstance(const mig::PlacedProfile& placed) {
  if (!state_.mig_enabled) return MigIsOff();
  if (const std::string processes = ProcessesOn(kWholeGpu, kNoComputeInstance);
      !processes.empty()) {
    return FailedPreconditionError(
        StrCat("the first GPU instance needs an idle GPU, which is in use by ", processes));
  }
  mig::MigLayout layout = LayoutOf(state_);
  layout.insert(std::ranges::upper_bound(layout, placed), placed);
  FLEXMIG_RETURN_IF_ERROR(mig::CheckLayout(*model_, layout));
  const auto position =
      std::ranges::upper_bound(state_.instances, placed, {}, &SimInstance::placed);
  state_.instances.insert(position, SimInstance{placed, {}});
  RememberMigChange();
  return MakeGpuInstanceId(*model_, placed.placement);
}

Status SimBoard::CreateComputeInstance(mig::GpuInstanceId instance) {
  FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, FindInstance(instance));
  if (!found->compute_instances.empty()) {
    return AlreadyExistsError(
        StrCat("GPU instance ", instance.value(), " holds a compute instance already"));
  }
  const int slices = model_->FindProfile(found->placed.profile)->compute_slices;
  return CreateComputeInstance(instance, slices, 0).status();
}

Result<mig::ComputeInstanceId> SimBoard::CreateComputeInstance(mig::GpuInstanceId instance,
                                                               int slices,
                                                               std::optional<int> start) {
  FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, FindInstance(instance));
  const int total = model_->FindProfile(found->placed.profile)->compute_slices;
  if (slices < 1 || slices > total || (start && (*start < 0 || *start > total - slices))) {
    return InvalidArgumentError(StrCat("no compute instance of ", slices, " slices in the ", total,
                                       " of GPU instance ", instance.value()));
  }
  auto& present = Mutable(found).compute_instances;
  const auto is_free = [&](int at) {
    return std::ranges::none_of(
        present, [&](const SimComputeInstance& other) { return Overlap(other, at, slices); });
  };
  int at = start.value_or(0);
  while (!start && at <= total - slices && !is_free(at)) ++at;
  if (at > total - slices || !is_free(at)) {
    return ResourceExhaustedError(StrCat("no ", slices, " free compute slices",
                                         start ? StrCat(" at ", *start) : "", " in GPU instance ",
                                         instance.value()));
  }
  mig::ComputeInstanceId id(0);
  while (std::ranges::find(present, id, &SimComputeInstance::id) != present.end()) {
    id = mig::ComputeInstanceId(id.value() + 1);
  }
  present.insert(std::ranges::upper_bound(present, at, {}, &SimComputeInstance::start),
                 SimComputeInstance{id, at, slices});
  RememberMigChange();
  return id;
}

Status SimBoard::DestroyComputeInstance(mig::GpuInstanceId instance,
                                        mig::ComputeInstanceId compute_instance) {
  FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, FindInstance(instance));
  auto& present = Mutable(found).compute_instances;
  const auto doomed = std::ranges::find(present, compute_instance, &SimComputeInstance::id);
  if (doomed == present.end()) {
    return NotFoundError(StrCat("no compute instance ", compute_instance.value(),
                                " in GPU instance ", instance.value()));
  }
  if (const std::string processes = ProcessesOn(instance, compute_instance); !processes.empty()) {
    return FailedPreconditionError(StrCat("compute instance ", compute_instance.value(),
                                          " of GPU instance ", instance.value(), " is in use by ",
                                          processes));
  }
  present.erase(doomed);
  RememberMigChange();
  return OkStatus();
}

Status SimBoard::DestroyGpuInstance(mig::GpuInstanceId instance) {
  FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, FindInstance(instance));
  if (!found->compute_instances.empty()) {
    return FailedPreconditionError(
        StrCat("GPU instance ", instance.value(), " is in use: it holds a compute instance"));
  }
  state_.instances.erase(state_.instances.begin() + (found - state_.instances.data()));
  RememberMigChange();
  return OkStatus();
}

Status SimBoard::RaiseXid(int xid, mig::GpuInstanceId instance,
                          mig::ComputeInstanceId compute_instance) {
  if (xid < 1) return InvalidArgumentError(StrCat("Xid ", xid));
  if (instance != kWholeGpu) FLEXMIG_RETURN_IF_ERROR(FindInstance(instance).status());
  Remember({0, xid, instance, compute_instance});
  return OkStatus();
}

Status SimBoard::AttachProcess(const SimProcess& process) {
  if (process.gpu_instance == kWholeGpu) {
    if (state_.mig_enabled) return FailedPreconditionError("MIG is on: use a MIG device");
    if (process.compute_instance != kNoComputeInstance) {
      return InvalidArgumentError("a compute instance of the whole GPU");
    }
  } else {
    FLEXMIG_ASSIGN_OR_RETURN(const SimInstance* found, FindInstance(process.gpu_instance));
    const auto& present = found->compute_instances;
    if (std::ranges::find(present, process.compute_instance, &SimComputeInstance::id) ==
        present.end()) {
      return NotFoundError(StrCat("no compute instance ", process.compute_instance.value(),
                                  " in GPU instance ", process.gpu_instance.value()));
    }
  }
  for (const SimProcess& present : state_.processes) {
    if (present.pid == process.pid && present.gpu_instance == process.gpu_instance &&
        present.compute_instance == process.compute_instance) {
      return AlreadyExistsError(StrCat("process ", process.pid, " is attached already"));
    }
  }
  state_.processes.push_back(process);
  return OkStatus();
}

Status SimBoard::DetachProcess(pid_t pid, mig::GpuInstanceId instance,
                               mig::ComputeInstanceId compute_instance) {
  const auto removed = std::erase_if(state_.processes, [&](const SimProcess& process) {
    return process.pid == pid && process.gpu_instance == instance &&
           process.compute_instance == compute_instance;
  });
  if (removed == 0) return NotFoundError(StrCat("process ", pid, " is not attached"));
  return OkStatus();
}

void SimBoard::DropProcesses(const std::function<bool(const SimProcess&)>& is_alive) {
  std::erase_if(state_.processes, [&](const SimProcess& process) { return !is_alive(process); });
}

}  // namespace flexmig::simhw
