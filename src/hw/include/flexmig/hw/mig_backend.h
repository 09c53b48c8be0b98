#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/status.h"
#include "flexmig/base/units.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/inventory.h"
#include "flexmig/mig/layout.h"
#include "flexmig/mig/types.h"

namespace flexmig::hw {

// A GPU as its driver reports it now.
struct GpuStatus {
  mig::GpuIndex index;
  mig::GpuUuid uuid;
  const mig::GpuModel* model = nullptr;  // static storage
  std::string pci_bus_id;                // "0000:07:00.0"
  uint32_t pci_device_id = 0;            // 0x20B010DE: device, then vendor; 0: unknown
  uint32_t pci_subsystem_id = 0;         // 0x134F10DE, likewise
  int numa_node = -1;                    // -1: unknown
  bool mig_enabled = false;
  bool mig_enabled_pending = false;  // differs from mig_enabled until the GPU is reset
};

// A GPU instance, whether or not it holds a compute instance.
struct GpuInstance {
  mig::GpuInstanceId id;
  mig::PlacedProfile placed;
};

// A compute instance that takes the whole of its GPU instance: a leaf as CUDA sees it.
struct MigDevice {
  mig::MigUuid uuid;
  mig::GpuInstanceId gpu_instance;
  mig::ComputeInstanceId compute_instance;
  mig::PlacedProfile placed;  // of the GPU instance
};

// A process with a CUDA context on a leaf, or on the whole GPU while MIG is off; both ids are then
// kNoInstance.
struct GpuProcess {
  pid_t pid = 0;
  mig::GpuInstanceId gpu_instance;
  mig::ComputeInstanceId compute_instance;
};
inline constexpr int kNoInstance = -1;

// One node's boards, in our words; implemented over NVML and by the simulated boards of `simhw`.
// Every call may take seconds. A call that fails has changed nothing unless its comment says so.
//
// Errors of every call: kNotFound for a GPU or instance that does not exist, kPermissionDenied,
// kUnavailable for a GPU lost for now, kDeadlineExceeded, kDataLoss for a corrupt node state.
// Threading: thread-safe; calls are serialised.
class MigBackend {
 public:
  virtual ~MigBackend() = default;
  MigBackend(const MigBackend&) = delete;
  MigBackend& operator=(const MigBackend&) = delete;

  // All GPUs; element i has index i.
  virtual Result<std::vector<GpuStatus>> ListGpus() = 0;

  // Switches MIG mode. Ok with mig_enabled != mig_enabled_pending afterwards means that the change
  // waits for a reset of the GPU (Ampere with clients).
  // Errors: kFailedPrecondition when switching off while instances exist.
  virtual Status SetMigMode(mig::GpuIndex gpu, bool enabled) = 0;

  // GPU instances by id, MIG devices by placement. Empty with MIG off.
  virtual Result<std::vector<GpuInstance>> ListGpuInstances(mig::GpuIndex gpu) = 0;
  virtual Result<std::vector<MigDevice>> ListMigDevices(mig::GpuIndex gpu) = 0;
  virtual Result<std::vector<GpuProcess>> ListProcesses(mig::GpuIndex gpu) = 0;

  // Errors: kResourceExhausted if the placement overlaps an instance or the board is full,
  // kInvalidArgument for a placement that is never legal, kFailedPrecondition with MIG off or, for
  // the first instance, while processes use the whole GPU.
  virtual Result<mig::GpuInstanceId> CreateGpuInstance(mig::GpuIndex gpu,
                                                       const mig::PlacedProfile& placed) = 0;

  // Creates the compute instance that takes the whole GPU instance.
  // Errors: kAlreadyExists if the GPU instance holds one.
  virtual Result<MigDevice> CreateComputeInstance(mig::GpuIndex gpu,
                                                  mig::GpuInstanceId instance) = 0;

  // Errors of both: kFailedPrecondition if in use, naming the processes where they are known;
  // kUnavailable if in use for a moment only (retry for about a second).
  virtual Status DestroyComputeInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance,
                                        mig::ComputeInstanceId compute_instance) = 0;
  virtual Status DestroyGpuInstance(mig::GpuIndex gpu, mig::GpuInstanceId instance) = 0;

 protected:
  MigBackend() = default;
};

// The leaves of the whole node: every MIG device of every GPU, in the order that
// mig::NodeInventory asks for. GPU instances without a compute instance are left out.
// Errors: the backend's, and kUnimplemented for an instance of a profile that the GPU's model does
// not list. Not one moment: a change between two calls can show on one GPU and not on another.
Result<mig::NodeInventory> ReadInventory(MigBackend& backend);

}  // namespace flexmig::hw
