#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "flexmig/arrival/cluster.h"
#include "flexmig/arrival/fragmentation.h"
#include "flexmig/base/random.h"
#include "flexmig/base/status.h"

namespace flexmig::arrival {

// Scores are whole numbers from 0 to this, as those of a Kubernetes scheduler: what differs by less
// is equal.
inline constexpr int kMaxScore = 100;

// Which node a pod goes to, and which GPU it shares there.
// Threading: thread-compatible; no call changes the policy.
class NodePolicy {
 public:
  virtual ~NodePolicy() = default;
  NodePolicy(const NodePolicy&) = delete;
  NodePolicy& operator=(const NodePolicy&) = delete;

  [[nodiscard]] virtual std::string_view name() const = 0;

  // 0 to kMaxScore, more is better; depends on nothing but its arguments. REQUIRES: Fits.
  [[nodiscard]] virtual int Score(const NodeState& node, const PodDemand& demand) const = 0;

  // The GPU to share: unless a policy says otherwise the one with the least left that is enough,
  // the first of equal ones. REQUIRES: Fits and demand.shares_gpu().
  [[nodiscard]] virtual int ChooseGpu(const NodeState& node, const PodDemand& demand,
                                      SplitMix64& random) const;

  // Whether one of the nodes with the best score is drawn. Else it is the first: nodes are shuffled
  // once, so that no policy profits from the order of the list, but filled one after the other.
  [[nodiscard]] virtual bool draws_among_equals() const { return false; }

 protected:
  NodePolicy() = default;
};

// The policies of the published comparison, in its order from worst to best.
std::vector<std::string_view> PolicyNames();

// "random"       a node and a GPU at random
// "dot-product"  100 (1 - (f . d) / 2), f what is free and d the demand, both as (CPU, GPU) in
// shares
//                of the largest node's: takes the node whose free resources are least like the
//                demand
// "clustering"   nodes that hold only pods of the same kind (a share, 1 GPU, 2 GPUs, ...), then
// those
//                that also hold others, then empty ones, then the rest; within each the fuller
// "packing"      GPUs in use, then free GPUs of nodes in use, then empty nodes
// "best-fit"     100 (1 - (rest of CPU + rest of GPU) / 2), rests in shares of the largest node's
// "fgd"          fragmentation gradient descent: 100 / (1 + e^x), x the GPUs by which fragmentation
//                would grow
// A pod without GPU goes to the first node with room under clustering and packing.
// `fragmentation` outlives the policy. Errors: kNotFound, listing the names.
Result<std::unique_ptr<NodePolicy>> MakePolicy(std::string_view name, const Setting& setting,
                                               const Fragmentation& fragmentation);

}  // namespace flexmig::arrival
