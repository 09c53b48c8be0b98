#pragma once

#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/mig/types.h"

#include "board.h"
#include "library.h"

namespace flexmig::nvml {

// A compute instance as the driver lists it.
struct PartRecord {
  mig::ComputeInstanceId id;
  int compute_slices = 0;
  mig::MigUuid uuid;
};

// A GPU instance with what it holds.
struct InstanceRecord {
  mig::GpuInstanceId id;
  mig::PlacedProfile placed;
  std::vector<PartRecord> parts;
};

// Everything on a GPU, from the list of GPU instances and not from the MIG devices: an instance
// whose compute instance was never made shows only there. Empty with MIG off.
// Errors: kPermissionDenied, because drivers show placements to privileged users only; kAborted if
// an instance went away under the walk (walk again).
Result<std::vector<InstanceRecord>> ListInstances(const Library& library, const Board& board);

// Of one GPU instance; the driver's handles do not outlive a change, so they are asked for when
// used.
Result<nvml_abi::GpuInstance> FindGpuInstance(const Library& library, const Board& board,
                                              mig::GpuInstanceId id);
Result<std::vector<PartRecord>> ListParts(const Library& library, const Board& board,
                                          nvml_abi::GpuInstance instance);

// The compute-instance profile that takes the whole of a GPU instance.
// Errors: kUnimplemented if the driver lists none.
Result<uint32_t> WholeProfileId(const Library& library, nvml_abi::GpuInstance instance,
                                int compute_slices);

// Clients of the GPU. Errors: kPermissionDenied.
Result<std::vector<hw::GpuProcess>> ListClients(const Library& library, const Board& board);

}  // namespace flexmig::nvml
