#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/layout.h"
#include "flexmig/mig/types.h"

namespace flexmig::simhw {

// The compute slices [start, start + slices) of a GPU instance.
struct SimComputeInstance {
  mig::ComputeInstanceId id;
  int start = 0;
  int slices = 0;

  friend bool operator==(const SimComputeInstance&, const SimComputeInstance&) = default;
};

struct SimInstance {
  mig::PlacedProfile placed;
  std::vector<SimComputeInstance> compute_instances;  // sorted by start, not overlapping

  friend bool operator==(const SimInstance&, const SimInstance&) = default;
};

// A process with a context on a compute instance, or on the whole GPU while MIG is off. The start
// time tells it from a later process with the same id.
struct SimProcess {
  pid_t pid = 0;
  uint64_t start_ticks = 0;                                  // as base ProcessStartTicks
  mig::GpuInstanceId gpu_instance{hw::kNoInstance};          // kNoInstance: the whole GPU
  mig::ComputeInstanceId compute_instance{hw::kNoInstance};  // kNoInstance there as well
  Bytes memory{};                                            // that it has allocated on the GPU

  friend bool operator==(const SimProcess&, const SimProcess&) = default;
};

// Something that a board tells those who listen.
struct SimEvent {
  uint64_t number = 0;  // 1 for the first of the board, then one more each; never repeated
  int xid = 0;          // 0: the MIG configuration changed; otherwise the number of the Xid
  // Whom an Xid concerns; kNoInstance: nobody in particular.
  mig::GpuInstanceId gpu_instance{hw::kNoInstance};
  mig::ComputeInstanceId compute_instance{hw::kNoInstance};

  friend bool operator==(const SimEvent&, const SimEvent&) = default;
};
// A board remembers so many; a listener that falls behind further misses the oldest.
inline constexpr size_t kRememberedEvents = 32;

// Everything about a board that can change.
struct BoardState {
  bool mig_enabled = false;
  bool mig_enabled_pending = false;
  std::vector<SimInstance> instances;  // sorted by placement
  std::vector<SimProcess> processes;   // in the order of attachment
  std::vector<SimEvent> events{};      // the last kRememberedEvents

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

  // What a reboot of the machine leaves: no instance and no process anywhere. MIG mode outlives it
  // where switching needs a reset (a pending switch happens), and is off on all other boards.
  void Reboot();

  Result<mig::GpuInstanceId> CreateGpuInstance(const mig::PlacedProfile& placed);

  // The compute instance that takes the whole GPU instance. Errors: kAlreadyExists if there is one.
  Status CreateComputeInstance(mig::GpuInstanceId instance);
  // One of `slices` compute slices, at `start` or else at the lowest free place.
  // Errors: kInvalidArgument for a place outside the GPU instance, kResourceExhausted if it is
  // taken.
  Result<mig::ComputeInstanceId> CreateComputeInstance(mig::GpuInstanceId instance, int slices,
                                                       std::optional<int> start);
  Status DestroyComputeInstance(mig::GpuInstanceId instance,
                                mig::ComputeInstanceId compute_instance);
  Status DestroyGpuInstance(mig::GpuInstanceId instance);

  // Reports an Xid; kNoInstance for both ids: of the board. Errors: kNotFound for the instance.
  Status RaiseXid(int xid, mig::GpuInstanceId instance, mig::ComputeInstanceId compute_instance);

  // A process may be attached once to a place; attaching it again is kAlreadyExists.
  // Errors: kFailedPrecondition for the whole GPU with MIG on, kNotFound for the compute instance.
  Status AttachProcess(const SimProcess& process);
  // Errors: kNotFound.
  Status DetachProcess(pid_t pid, mig::GpuInstanceId instance,
                       mig::ComputeInstanceId compute_instance);
  // Removes the processes for which `is_alive` is false.
  void DropProcesses(const std::function<bool(const SimProcess&)>& is_alive);

  // The instance with this id. Errors: kNotFound.
  [[nodiscard]] Result<const SimInstance*> FindInstance(mig::GpuInstanceId instance) const;

 private:
  // "process 4711" or "processes 4711, 4712" on the place; "" if there is none.
  [[nodiscard]] std::string ProcessesOn(mig::GpuInstanceId instance,
                                        mig::ComputeInstanceId compute_instance) const;
  [[nodiscard]] SimInstance& Mutable(const SimInstance* instance) {
    return state_.instances[static_cast<size_t>(instance - state_.instances.data())];
  }
  // `event` without its number.
  void Remember(SimEvent event);
  void RememberMigChange() { Remember({}); }

  const mig::GpuModel* model_;
  BoardState state_;
};

}  // namespace flexmig::simhw
