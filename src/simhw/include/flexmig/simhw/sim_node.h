#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/units.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/simhw/sim_machine.h"

namespace flexmig::simhw {

// A node of simulated boards. Everything that hw::MigBackend promises, and the processes on the
// boards, which have to be declared here because there is no driver that would see them.
class SimNode final : public hw::MigBackend {
 public:
  SimNode(const NodeSpec& spec, SimOptions options);

  [[nodiscard]] const NodeSpec& spec() const { return machine_.spec(); }

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
  // detached or ends; it shows as having allocated `memory`. `uuid` is a MIG or a GPU UUID of this
  // node.
  // Errors: kNotFound for the UUID or the process, kAlreadyExists if it is attached there,
  // kFailedPrecondition for a GPU with MIG on.
  Status AttachProcess(std::string_view uuid, pid_t pid, Bytes memory = Bytes());
  // Errors: kNotFound.
  Status DetachProcess(std::string_view uuid, pid_t pid);

  // The machine boots: see SimBoard::Reboot.
  Status Reboot();

  // Reports an Xid on a MIG device, or on no one in particular (hw::kNoInstance for both ids).
  // Errors: kNotFound.
  Status RaiseXid(mig::GpuIndex gpu, int xid, mig::GpuInstanceId instance,
                  mig::ComputeInstanceId compute_instance);

 private:
  struct Place {
    size_t board = 0;
    mig::GpuInstanceId gpu_instance{hw::kNoInstance};
    mig::ComputeInstanceId compute_instance{hw::kNoInstance};
  };

  [[nodiscard]] Result<Place> FindPlace(const NodeState& state, std::string_view uuid) const;

  std::mutex mutex_;  // serialises calls; guards the machine
  SimMachine machine_;
};

// The node called `name` (FindNodeSpec). Nothing is read or written before the first call.
// Errors: kNotFound, listing the names.
Result<std::unique_ptr<SimNode>> OpenSimNode(std::string_view name, SimOptions options);

}  // namespace flexmig::simhw
