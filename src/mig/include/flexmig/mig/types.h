#pragma once

#include <compare>
#include <string>

#include "flexmig/base/strong_id.h"

namespace flexmig::mig {

// Position of a physical GPU on its node, in the order in which the driver lists them.
using GpuIndex = StrongId<struct GpuIndexTag, int>;
// Position of a node among those that are planned or simulated together; the node at hand is 0.
using NodeIndex = StrongId<struct NodeIndexTag, int>;
// "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77".
using GpuUuid = StrongId<struct GpuUuidTag, std::string>;
// "MIG-7f37c7aa-357a-5286-8db6-584f7500ad74"; names a place on a GPU, not a lifetime: the same
// GPU instance created again has the same UUID.
using MigUuid = StrongId<struct MigUuidTag, std::string>;
// What NVML calls profile id (19 for 1g on an 8-unit board). Names drift between drivers, ids do
// not; not to be confused with NVML's profile *index*.
using ProfileId = StrongId<struct ProfileIdTag, int>;
// Opaque: not derivable from a placement.
using GpuInstanceId = StrongId<struct GpuInstanceIdTag, int>;
using ComputeInstanceId = StrongId<struct ComputeInstanceIdTag, int>;

// The memory slices that a GPU instance covers: [start, start + size) in placement units of its
// GPU, of which a board has 4, 8 or 12.
struct Placement {
  int start = 0;
  int size = 0;

  [[nodiscard]] constexpr int end() const { return start + size; }
  [[nodiscard]] constexpr bool Overlaps(Placement other) const {
    return start < other.end() && other.start < end();
  }
  friend constexpr auto operator<=>(const Placement&, const Placement&) = default;
};

}  // namespace flexmig::mig
