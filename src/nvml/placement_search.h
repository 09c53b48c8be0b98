#pragma once

#include <functional>

#include "flexmig/base/status.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/layout.h"

namespace flexmig::nvml {

// What the search needs of a driver that chooses placements itself.
struct PlacementDriver {
  struct Made {
    mig::GpuInstanceId id;
    mig::Placement placement;
  };
  // Errors: kResourceExhausted if the profile fits nowhere.
  std::function<Result<Made>(mig::ProfileId)> create;
  std::function<Status(mig::GpuInstanceId)> destroy;
};

// Creates an instance at a placement on a driver that has no function for it (before R465): makes
// the driver fill the other places with placeholders until the wanted one is left, then removes
// them. First with the profile itself, then with a plain one of the same size, which also serves
// for profiles that a GPU takes only once. Afterwards the wanted instance is there, or nothing new
// is; if a placeholder cannot be removed, the error says which, and the caller lists the GPU to
// see. Errors: kResourceExhausted if the driver has no room, kUnimplemented if its order never
// leads there. Cost: up to two creations and destructions for each place of the profile.
Result<mig::GpuInstanceId> CreateBySearch(const PlacementDriver& driver, const mig::GpuModel& model,
                                          const mig::PlacedProfile& wanted);

}  // namespace flexmig::nvml
