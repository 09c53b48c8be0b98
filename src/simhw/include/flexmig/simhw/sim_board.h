#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/layout.h"
#include "flexmig/mig/types.h"

namespace flexmig::simhw {

struct SimInstance {
  mig::PlacedProfile placed;
  bool has_compute_instance = false;

  friend bool operator==(const SimInstance&, const SimInstance&) = default;
};

// A process with a context on a compute instance, or on the whole GPU while MIG is off. The start
// time tells it from a later process with the same id.
struct SimProcess {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  // as base ProcessStartTicks
  mig::GpuInstanceId gpu_instance{hw::kNoInstance};

  friend bool operator==(const SimProcess&, const SimProcess&) = default;
};

// Everything about a board that can change.
struct BoardState {
  bool mig_enabled = false;
  bool mig_enabled_pending = false;
  std::vector<SimInstance> instances;  // sorted by placement
  std::vector<SimProcess> processes;   // in the order of attachment

  friend bool operator==(const BoardState&, const BoardState&) = default;
};

// One MIG-capable board as a state machine: no files, no time, no other processes. The rules are
// those of docs/formats/sim-node.md.
//
// Invariants: the instances pass mig::CheckLayout; there are none with MIG off; every process is on
// an existing compute instance, or on the whole GPU; mig_enabled_pending differs from mig_enabled
// only where a switch-on waits, on a model that needs a reset for it.
// A call that fails leaves the board as it was. Errors are those of hw::MigBackend. Messages do not
// name the GPU: a board does not know its index.
// Threading: thread-compatible.
class SimBoard {
 public:
  // A board as it leaves the shop: MIG off, nothing on it. `model` is kept by reference.
  explicit SimBoard(const mig::GpuModel& model) : model_(&model) {}

  // A board in a given state. Errors: kDataLoss naming the invariant that does not hold.
  static Result<SimBoard> Restore(const mig::GpuModel& model, BoardState state);

  [[nodiscard]] const mig::GpuModel& model() const { return *model_; }
  [[nodiscard]] const BoardState& state() const { return state_; }

  // On a board that needs a reset the switch waits for the processes on the GPU to go, and then
  // for the next call: nothing but this call resets the board.
  Status SetMigMode(bool enabled);

  Result<mig::GpuInstanceId> CreateGpuInstance(const mig::PlacedProfile& placed);
  Status CreateComputeInstance(mig::GpuInstanceId instance);
  Status DestroyComputeInstance(mig::GpuInstanceId instance,
                                mig::ComputeInstanceId compute_instance);
  Status DestroyGpuInstance(mig::GpuInstanceId instance);

  // A process may be attached once to a place; attaching it again is kAlreadyExists.
  // `instance` hw::kNoInstance is the whole GPU. Errors: kFailedPrecondition for the whole GPU with
  // MIG on, and for a GPU instance without compute instance.
  Status AttachProcess(const SimProcess& process);
  // Errors: kNotFound.
  Status DetachProcess(pid_t pid, mig::GpuInstanceId instance);
  // Removes the processes for which `is_alive` is false.
  void DropProcesses(const std::function<bool(const SimProcess&)>& is_alive);

  // The instance with this id. Errors: kNotFound.
  [[nodiscard]] Result<const SimInstance*> FindInstance(mig::GpuInstanceId instance) const;

 private:
  // "process 4711" or "processes 4711, 4712" on the instance; "" if there is none.
  [[nodiscard]] std::string ProcessesOn(mig::GpuInstanceId instance) const;
  [[nodiscard]] size_t IndexOf(const SimInstance* instance) const {
    return static_cast<size_t>(instance - state_.instances.data());
  }

  const mig::GpuModel* model_;
  BoardState state_;
};

}  // namespace flexmig::simhw
