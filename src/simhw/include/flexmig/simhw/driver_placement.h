#pragma once

#include <optional>
#include <span>

#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/layout.h"
#include "flexmig/mig/types.h"

namespace flexmig::simhw {

// Where a driver puts a GPU instance if it is not told: the legal place that takes away the fewest
// others, over all profiles and starts, and among equals the lowest. Drivers do not document their
// rule; this one reproduces every published transcript (driver_placement_test.cc). It can end in a
// board on which a profile no longer fits although it would have, as theirs does.
// nullopt if the profile fits nowhere beside `present`.
// REQUIRES: mig::CheckLayout accepts `present`; `profile` is one of the model's.
std::optional<mig::Placement> ChooseDriverPlacement(const mig::GpuModel& model,
                                                    std::span<const mig::PlacedProfile> present,
                                                    const mig::Profile& profile);

// How many more instances of the profile fit beside `present`.
int RemainingCapacity(const mig::GpuModel& model, std::span<const mig::PlacedProfile> present,
                      const mig::Profile& profile);

}  // namespace flexmig::simhw
