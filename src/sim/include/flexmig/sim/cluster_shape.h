#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"

namespace flexmig::sim {

// Equal nodes of equal GPUs. GPUs are counted through: GPU g is on node g / gpus_per_node.
struct ClusterShape {
  static constexpr int kMaxGpus = 100'000;

  int nodes = 1;
  int gpus_per_node = 1;

  // "8": one node of 8 GPUs, also as "1x8"; "4x8": four nodes of 8. Errors: kInvalidArgument for
  // anything else, and for more than kMaxGpus GPUs.
  static Result<ClusterShape> Parse(std::string_view text);

  [[nodiscard]] int gpu_count() const { return nodes * gpus_per_node; }
  // "8", "4x8".
  [[nodiscard]] std::string ToString() const;

  friend bool operator==(const ClusterShape&, const ClusterShape&) = default;
};

// Which jobs may run on several nodes. A job that may still uses a further node only if it must.
enum class SpanNodes {
  kNo,    // none: a job wider than a node is left out
  kWide,  // jobs wider than a node, on the fewest nodes that could hold them empty
  kAny,   // every job, on as many nodes as it takes to start now
};

// "no", "wide", "any".
std::string_view SpanNodesName(SpanNodes span);
// Errors: kNotFound, listing the names.
Result<SpanNodes> ParseSpanNodes(std::string_view name);

// On how many nodes a job of `leaf_count` leaves may run, where a node has `leaves_on_node` such
// leaves when all of it is cut for them; for AllocationRequest::max_nodes. REQUIRES: both above 0.
int MaxNodes(SpanNodes span, const ClusterShape& cluster, int leaf_count, int leaves_on_node);

// The most GPUs that a job can have.
int MostGpus(SpanNodes span, const ClusterShape& cluster);

}  // namespace flexmig::sim
