#pragma once

#include <span>
#include <vector>

#include "flexmig/base/strong_id.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/layout.h"
#include "flexmig/mig/types.h"

namespace flexmig::mig {

// Index of a leaf in its node's inventory.
using LeafId = StrongId<struct LeafIdTag, int>;

// A MIG device of the flattened layout: the unit that Flex-MIG hands out.
struct Leaf {
  LeafId id;
  GpuIndex gpu;
  MigUuid uuid;
  const Profile* profile = nullptr;  // static storage
  Placement placement;
};

struct InventoryGpu {
  GpuIndex index;
  GpuUuid uuid;
  const GpuModel* model = nullptr;  // static storage
  int numa_node = -1;               // -1: unknown
};

// The GPUs and leaves of one node at one moment.
// Invariants: gpus[i].index == i; leaves[i].id == i; leaves are sorted by (gpu, placement.start).
struct NodeInventory {
  std::vector<InventoryGpu> gpus;
  std::vector<Leaf> leaves;

  // A node of `gpu_count` equal GPUs with one layout each, for planning and simulation. UUIDs are
  // made up ("MIG-sim-<gpu>-<start>").
  static NodeInventory Uniform(const GpuModel& model, int gpu_count,
                               std::span<const PlacedProfile> layout);
};

}  // namespace flexmig::mig
