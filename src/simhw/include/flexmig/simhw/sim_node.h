#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "flexmig/hw/mig_backend.h"
#include "flexmig/simhw/node_store.h"
#include "flexmig/simhw/sim_script.h"

namespace flexmig::simhw {

struct SimOptions {
  // Holds one folder per node. Empty: the state is kept in memory and dies with the SimNode.
  std::filesystem::path state_directory;
  // For a change by another process. Long enough for scripted delays of seconds.
  std::chrono::milliseconds lock_wait{5000};
  SimScript script;
  // Whether a process still lives. Tests put their own here; by default /proc is asked, and a
  // zombie counts as gone, because its contexts are.
  std::function<bool(const SimProcess&)> is_alive;
};

// The state under StateDirectory()/sim, the script from the file that $FLEXMIG_SIM_SCRIPT names.
// Errors: those of StateDirectory, ReadFile and ParseSimScript.
Result<SimOptions> SimOptionsFromEnvironment();

// A node of simulated boards. Everything that hw::MigBackend promises, and the processes on the
// boards, which have to be declared here because there is no driver that would see them.
// Any number of SimNodes in any number of processes may be open on one state directory. A scripted
// delay of a changing call is spent with the node locked, as drivers do it.
class SimNode final : public hw::MigBackend {
 public:
  SimNode(NodeSpec spec, SimOptions options);

  [[nodiscard]] const NodeSpec& spec() const { return store_.spec(); }

  Result<std::vector<hw::GpuStatus>> ListGpus() override;
  Status SetMigMode(mig::GpuIndex gpu, bool enabled) override;
  Result<std::vector<hw::GpuInstance>> ListGpuInstances(mig::GpuIndex gpu) override;
  Result<std::vector<hw::MigDevice>> ListMigDevices(mig::GpuIndex gpu) override;
  Result<std::vector<hw::GpuProcess>> ListProcesses(mig::GpuIndex gpu) override;
  Result<mig::GpuInstanceId> CreateGpuInstance(mig::GpuIndex gpu,
                                               const mig::PlacedProfile& placed) override;
  Result<hw::MigDevice> CreateComputeInstance(mig::GpuIndex gpu,
                                              mig::GpuInstanceId instance) override;
  Status DestroyComputeInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance,
                                mig::ComputeInstanceId compute_instance) override;
  Status DestroyGpuInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance) override;

  // Makes a living process a client of the MIG device, or of the GPU while MIG is off, until it is
  // detached or ends. `uuid` is a MIG or a GPU UUID of this node.
  // Errors: kNotFound for the UUID or the process, kAlreadyExists if it is attached there,
  // kFailedPrecondition for a GPU with MIG on.
  Status AttachProcess(std::string_view uuid, pid_t pid);
  // Errors: kNotFound.
  Status DetachProcess(std::string_view uuid, pid_t pid);

 private:
  struct Place {
    size_t board = 0;
    mig::GpuInstanceId instance{hw::kNoInstance};
  };

  // The scripted part of a call; then, for Read, the board as it is now.
  Result<SimBoard> ReadBoard(SimOperation operation, mig::GpuIndex gpu);
  // Runs `change` on the board under the script and stores the result.
  Status ChangeBoard(SimOperation operation, mig::GpuIndex gpu,
                     const std::function<Status(SimBoard&)>& change);
  // kNotFound unless the node has the GPU.
  [[nodiscard]] Status CheckGpu(mig::GpuIndex gpu) const;
  [[nodiscard]] Result<Place> FindPlace(const NodeState& state, std::string_view uuid) const;
  [[nodiscard]] hw::MigDevice DeviceOf(mig::GpuIndex gpu, const SimBoard& board,
                                       const SimInstance& instance) const;

  const std::function<bool(const SimProcess&)> is_alive_;
  const std::vector<mig::GpuUuid> gpu_uuids_;

  std::mutex mutex_;  // serialises calls; guards all below
  NodeStore store_;
  SimScriptPlayer player_;
};

// The node called `name` (FindNodeSpec). Nothing is read or written before the first call.
// Errors: kNotFound, listing the names.
Result<std::unique_ptr<SimNode>> OpenSimNode(std::string_view name, SimOptions options);

}  // namespace flexmig::simhw
