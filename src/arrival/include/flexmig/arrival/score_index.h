#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "flexmig/arrival/cluster.h"
#include "flexmig/arrival/policy.h"
#include "flexmig/base/random.h"

namespace flexmig::arrival {

// The best node for a demand without asking every node every time: for each demand the nodes lie in
// one bucket per score, a bit for each node, and only nodes that changed since the demand was last
// looked up are scored again.
//
// Cost: for each lookup one score for each node that changed since this demand's last lookup, plus
// kMaxScore + nodes / 64 steps; the first lookup of a demand scores every node. Memory: about 15
// bytes for each node and demand looked up. Threading: one owner.
class ScoreIndex {
 public:
  // All three outlive the index; `nodes` change only by Place, which the owner reports.
  ScoreIndex(std::span<const NodeState> nodes, std::span<const PodDemand> demands,
             const NodePolicy& policy);

  // The node with the best score for demands[demand]: of equal ones the first, or one drawn with
  // equal probability if the policy says so; nullopt if the demand fits nowhere.
  std::optional<int> Best(size_t demand, SplitMix64& random);

  // REQUIRES: called after every change of a node. Nodes only ever get fuller.
  void NodeChanged(int node) { changes_.push_back(node); }

 private:
  struct Buckets {
    std::vector<uint64_t> bits;  // bucket after bucket; empty before the first lookup
    std::array<int, kMaxScore + 1> sizes{};
    std::vector<int8_t> scores;  // by node; -1 if the demand does not fit
    size_t changes_seen = 0;
  };

  void Update(Buckets& buckets, const PodDemand& demand);
  void Move(Buckets& buckets, size_t node, int score);
  [[nodiscard]] int ScoreOf(size_t node, const PodDemand& demand) const;

  std::span<const NodeState> nodes_;
  std::span<const PodDemand> demands_;
  const NodePolicy& policy_;
  size_t words_;                  // of one bucket's bits
  std::vector<Buckets> buckets_;  // by demand
  std::vector<int> changes_;      // nodes, in the order in which they changed
  std::vector<size_t> updated_;   // by node: the update that scored it last
  size_t update_ = 0;
};

}  // namespace flexmig::arrival
