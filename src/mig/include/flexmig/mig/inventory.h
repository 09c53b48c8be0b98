#pragma once

#include <span>
#include <vector>

#include "flexmig/base/strong_id.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/layout.h"
#include "flexmig/mig/types.h"

namespace flexmig::mig {

// Index of a leaf in its inventory.
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
  int numa_node = -1;               // of its node; -1: unknown
  NodeIndex node = NodeIndex(0);
};

// The GPUs and leaves of one node at one moment; for planning and simulation also of many nodes.
// Invariants: gpus[i].index == i; leaves[i].id == i; leaves are sorted by (gpu, placement.start);
// node indices start at 0 and do not fall or skip one along the GPUs.
struct NodeInventory {
  std::vector<InventoryGpu> gpus;
  std::vector<Leaf> leaves;

  // A node of `gpu_count` equal GPUs with one layout each, for planning and simulation; its NUMA
  // nodes are unknown. UUIDs are made up ("MIG-sim-<gpu>-<start>").
  static NodeInventory Uniform(const GpuModel& model, int gpu_count,
                               std::span<const PlacedProfile> layout);

  // What a cluster of equal nodes consists of.
  struct ClusterShape {
    int node_count = 1;
    int gpus_per_node = 8;
    // GPU i of a node is on NUMA node i * numa_nodes_per_node / gpus_per_node: with 2, the first
    // half of the GPUs on one and the second on the other, as on common 8-GPU servers. 0: unknown.
    int numa_nodes_per_node = 2;
  };
  // Many such nodes. GPUs are counted through: GPU g is on node g / gpus_per_node.
  // REQUIRES: counts are not negative, gpus_per_node > 0.
  static NodeInventory Cluster(const GpuModel& model, const ClusterShape& shape,
                               std::span<const PlacedProfile> layout);
};

}  // namespace flexmig::mig
