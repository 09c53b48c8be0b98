#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "flexmig/alloc/score.h"

#include "problem.h"

namespace flexmig::alloc {

// Searches the choice of leaves with the lowest TopoScore.
//
// How: candidates are
//  1. every class of GPUs that can hold the whole job: one GPU of it, the lowest;
//  2. on up to 8 nodes that can hold it, the best choice of GPUs there. The nodes are, the lowest
//     of equals first, 4 with the lowest load on any link if the job communicates, 2 with the
//     fewest free leaves, and 2 with the most. For every set of NUMA nodes (each alone, then the
//     richest two, three, ... together) and every limit B of the link load, from low to high until
//     no better score is possible, a dynamic programme over the GPUs finds the cheapest way to take
//     n leaves with at most B - load from each. The remaining terms are concave in the leaves taken
//     of a GPU, so in some best choice all GPUs but one give all that they may or nothing; the
//     programme has 2 n states and tries only that.
//
// How good: the best possible, if the nodes that can hold the job are at most 8, have at most 16
// GPUs, and those at most 2 NUMA nodes. Otherwise never worse than the best single GPU. Of a node
// with more GPUs only the promising ones take part: the 8 with the fewest free leaves, and of the
// least loaded as many as could be used. A job of more than 8 GPUs' leaves is packed.
// Of equal scores the lower GPUs.
//
// Cost: O(classes + 8 B n G M) for n leaves on nodes of G GPUs with M leaves, however many nodes
// there are; 1 to 4 microseconds for up to 7 leaves on nodes of 8 GPUs.
class TopoSearch {
 public:
  struct Choice {
    int64_t score = std::numeric_limits<int64_t>::max();
    std::vector<GpuShare> shares;  // by GPU

    friend auto operator<=>(const Choice&, const Choice&) = default;
  };

  // With `keep_runner_up` no candidate is passed over, at several times the cost.
  TopoSearch(const Problem& problem, const TopoWeights& weights, bool keep_runner_up);

  [[nodiscard]] const Choice& best() const { return best_; }
  // The best of those that score worse, if there was one; only if it was to be kept.
  [[nodiscard]] const std::optional<Choice>& runner_up() const { return runner_up_; }

 private:
  // A GPU of the node that is searched.
  struct Item {
    int gpu;
    int numa_node;
    LeafIndex::Gpu state;
    int usable = 0;  // under the present limit
  };

  void TrySingleGpus();
  void TryNodes();
  void TryNode(int node);
  void CollectItems(int node);
  void CollectPromising(int node);
  // Tries items_ of these NUMA nodes.
  void TryNumaNodes(std::span<const int> numa_nodes);
  // Offers the best choice of chosen_ with their `usable` leaves.
  void Solve();
  void Offer(int64_t score, std::vector<GpuShare> shares);
  // What taking `count` leaves of a GPU costs besides the link and NUMA terms.
  [[nodiscard]] int64_t CostOf(LeafIndex::Gpu state, int count) const;
  // No choice under such a limit can be better than this.
  [[nodiscard]] int64_t FixedScore(int link_load, int numa_crossed) const;
  [[nodiscard]] bool IsHopeless(int64_t fixed) const;

  const Problem& problem_;
  const LeafIndex& index_;
  const TopoWeights& weights_;
  const bool keep_runner_up_;
  const int most_;  // leaves of a GPU: the scale of scores
  Choice best_;
  std::optional<Choice> runner_up_;

  std::vector<Item> items_;
  std::vector<Item> chosen_;   // of items_: those of the NUMA nodes at hand with usable leaves
  std::vector<int64_t> cost_;  // of the dynamic programme, by state
  std::vector<int8_t> taken_;  // by item and state: leaves of the item in the cheapest way there
};

}  // namespace flexmig::alloc
