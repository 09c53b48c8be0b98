#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/mig/layout.h"
#include "flexmig/mig/types.h"
#include "flexmig/partition/created_record.h"

namespace flexmig::partition {

// A GPU instance and everything that speaks for or against destroying it.
struct ObservedInstance {
  mig::GpuInstanceId id;
  mig::PlacedProfile placed;
  std::optional<hw::MigDevice> device;  // none: it holds no compute instance
  std::vector<pid_t> processes;         // on it, ascending
  std::string holder;                   // of its lease, for people; empty: not leased
  bool created_here = false;            // by Flex-MIG, according to its record

  [[nodiscard]] bool in_use() const { return !processes.empty() || !holder.empty(); }
};

// One GPU at one moment.
struct ObservedGpu {
  hw::GpuStatus status;
  std::vector<ObservedInstance> instances;  // sorted by placement
  std::vector<pid_t> whole_gpu_processes;   // that use it without MIG, ascending

  [[nodiscard]] mig::MigLayout layout() const;
};

// Who holds a leaf, for people ("job 7f3a of ana"); empty if nobody does.
using LeaseHolderOf = std::function<std::string(const mig::MigUuid&)>;

// Asks the backend about one GPU. `holder_of` may be empty: nothing is leased then.
// Errors: the backend's.
Result<ObservedGpu> Observe(hw::MigBackend& backend, mig::GpuIndex gpu, const CreatedRecord& record,
                            const LeaseHolderOf& holder_of);

}  // namespace flexmig::partition
