#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/mig/types.h"
#include "flexmig/simhw/node_store.h"
#include "flexmig/simhw/sim_board.h"
#include "flexmig/simhw/sim_script.h"

namespace flexmig::simhw {

struct SimOptions {
  // Holds one folder per node. Empty: the state is kept in memory and dies with the machine.
  std::filesystem::path state_directory;
  // For a change by another process. Long enough for scripted delays of seconds.
  std::chrono::milliseconds lock_wait{5000};
  SimScript script;
  // Whether a process still lives. Tests put their own here; by default /proc is asked, and a
  // zombie counts as gone, because its contexts are.
  std::function<bool(const SimProcess&)> is_alive;
  // Where the files of the driver are written after every change (capability_tree.h); empty:
  // nowhere.
  std::filesystem::path capability_root;
};

// The state under StateDirectory()/sim, the script from the file that $FLEXMIG_SIM_SCRIPT names,
// the driver's files under $FLEXMIG_SIM_ROOT.
// Errors: those of StateDirectory, ReadFile and ParseSimScript.
Result<SimOptions> SimOptionsFromEnvironment();

// The engine behind both fronts, hw::MigBackend in this process and the library with the driver's
// ABI: a node of simulated boards under a script. Any number of them in any number of processes may
// be open on one state directory. A scripted delay of a changing call is spent with the node
// locked, as drivers do it.
// Threading: thread-compatible.
class SimMachine {
 public:
  SimMachine(const NodeSpec& spec, SimOptions options);

  [[nodiscard]] const NodeSpec& spec() const { return store_.spec(); }
  [[nodiscard]] int gpu_count() const { return static_cast<int>(gpu_uuids_.size()); }
  // REQUIRES: the node has the GPU.
  [[nodiscard]] const mig::GpuUuid& gpu_uuid(mig::GpuIndex gpu) const {
    return gpu_uuids_[static_cast<size_t>(gpu.value())];
  }
  // "no GPU 9: a30x1 has GPUs 0 to 0", kNotFound, unless the node has the GPU.
  [[nodiscard]] Status CheckGpu(mig::GpuIndex gpu) const;

  // All boards as they are now, in a call that concerns no one GPU. `fault`, if not null, is set
  // to the scripted fault behind an error, else to kNone.
  Result<NodeState> ReadNode(SimOperation operation, SimFault* fault = nullptr);
  // One board, likewise. Processes that have ended do not show.
  Result<SimBoard> ReadBoard(SimOperation operation, mig::GpuIndex gpu, SimFault* fault = nullptr);
  // Runs `change` on the board and stores the result if it returns ok.
  Status ChangeBoard(SimOperation operation, mig::GpuIndex gpu,
                     const std::function<Status(SimBoard&)>& change, SimFault* fault = nullptr);

  // Without script: what a tool beside the driver does, or the world.
  Result<NodeState> Peek() { return store_.Read(); }
  Status ChangeNode(const std::function<Status(NodeState&)>& change);

  // Writes the driver's files as they should be now, if there is a place for them.
  Status RefreshCapabilities();

 private:
  Status RaiseXids(mig::GpuIndex gpu, const SimVerdict& verdict);
  // Stores a change and the driver's files with it.
  Status Store(const std::function<Status(NodeState&)>& change);

  const std::function<bool(const SimProcess&)> is_alive_;
  const std::filesystem::path capability_root_;
  const std::vector<mig::GpuUuid> gpu_uuids_;
  NodeStore store_;
  SimScriptPlayer player_;
};

}  // namespace flexmig::simhw
