#pragma once

#include <filesystem>

#include "flexmig/base/status.h"
#include "flexmig/mig/types.h"
#include "flexmig/simhw/node_state.h"

namespace flexmig::simhw {

// Minor number of the device node that opens a GPU instance, and of the one that opens a compute
// instance of it: the tables of the driver's kernel module, 32 GPUs x 15 GPU instances x 8 compute
// instances.
int GpuInstanceMinor(int gpu_minor, mig::GpuInstanceId instance);
int ComputeInstanceMinor(int gpu_minor, mig::GpuInstanceId instance,
                         mig::ComputeInstanceId compute_instance);

// Brings the files under `root` to what a driver would show for `state`:
//   proc/driver/nvidia-caps/mig-minors                         all names and their minors
//   proc/driver/nvidia/capabilities/mig/{config,monitor}
//   proc/driver/nvidia/capabilities/gpu<n>/mig/gi<g>/access    of the instances that exist
//   proc/driver/nvidia/capabilities/gpu<n>/mig/gi<g>/ci<c>/access
//   dev/nvidiactl, dev/nvidia<n>, dev/nvidia-caps/nvidia-cap<minor>
// Files under dev are empty regular files: device nodes need privileges. The minor of GPU i is i.
// REQUIRES: nobody else writes there; callers hold the node's lock.
Status WriteCapabilityTree(const std::filesystem::path& root, const NodeState& state);

}  // namespace flexmig::simhw
