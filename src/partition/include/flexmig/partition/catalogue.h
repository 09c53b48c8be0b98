#pragma once

#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/partition/mig_parted.h"

namespace flexmig::partition {

// The configurations that these boards can take, under the names of mig-parted's own catalogue:
// all-disabled, all-enabled (no instances), all-<profile> with as many of it as fit (a + becomes a
// dot), and all-balanced (2 x 1g, 1 x 2g and, on boards of seven slices, 1 x 3g). Beside them the
// layouts that flexmig flattens to, for boards that have them:
//   flatten               the most leaves: all of the smallest profile
//   flatten-all-memory    equal leaves that leave no memory over
//   flatten-equal-memory  leaves of equal memory that leave none over, with the most SMs
// Where boards differ, every entry but all-disabled has a device-filter.
// Errors: kFailedPrecondition if no board has MIG.
Result<MigPartedFile> MakeCatalogue(const std::vector<hw::GpuStatus>& gpus);

}  // namespace flexmig::partition
