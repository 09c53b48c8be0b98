#pragma once

#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/mig/gpu_model.h"

#include "driver_profile.h"

namespace flexmig::nvml {

// What the driver says about a board.
struct BoardDescription {
  std::string product;  // "NVIDIA A100-SXM4-40GB"
  mig::Architecture architecture = mig::Architecture::kAmpere;
  bool mode_change_needs_reset = false;
  bool has_mig = false;
  std::vector<DriverProfile> profiles;
};

// The model of a board: a table of mig::AllGpuModels() if the driver agrees with it in everything,
// a copy with the driver's numbers if it is that board but they differ (drivers do), a model of its
// own for a board that no table has, and one without profiles for a board without MIG. What the
// driver does not tell this user (placements) comes from the table. Lives until the process ends;
// equal descriptions give the same model. Errors: kUnimplemented if neither the driver nor a table
// tells the profiles or their placements.
Result<const mig::GpuModel*> ModelOf(const BoardDescription& board);

}  // namespace flexmig::nvml
