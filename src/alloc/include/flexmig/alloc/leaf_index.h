#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "flexmig/alloc/capacity_tree.h"
#include "flexmig/alloc/index_set.h"
#include "flexmig/mig/gpu_model.h"

namespace flexmig::alloc {

// Which GPUs belong to which node: those of one follow each other.
struct NodeMap {
  std::vector<int> node_of;    // by GPU
  std::vector<int> first_gpu;  // by node, and behind the last
  int most_gpus = 0;           // of any node

  [[nodiscard]] int node_count() const { return static_cast<int>(first_gpu.size()) - 1; }
};

// The free leaves of one profile, counted and ordered so that a policy finds its GPUs without
// looking at all of them. GPUs and nodes are plain indices here.
//
// GPUs with equal count, load and idleness form a class: for a policy they differ only in their
// place. An A100 in 1g leaves is in one of 37 classes, however many GPUs there are.
//
// Invariants: what it says follows from the last Update of each GPU. Threading: thread-compatible.
// Cost, for G GPUs on V nodes: O(log64 G + log8 V) for Update, without allocation after warm-up;
// queries state theirs.
class LeafIndex {
 public:
  static constexpr int kNone = -1;

  // What a policy sees of a GPU.
  struct Gpu {
    int free = 0;      // leaves of this profile
    int load = 0;      // leaves, of any profile, in leases that communicate: who shares the link
    bool idle = true;  // nobody holds a leaf of any profile
    friend bool operator==(const Gpu&, const Gpu&) = default;
  };

  // `leaves_on`: by GPU, how many leaves of the profile there are; none is free before the GPU's
  // first Update. `max_load`: no load will be above it.
  LeafIndex(const mig::Profile* profile, std::shared_ptr<const NodeMap> nodes,
            const std::vector<int>& leaves_on, int max_load);

  void Update(int gpu, Gpu state);

  [[nodiscard]] const mig::Profile* profile() const { return profile_; }
  [[nodiscard]] const NodeMap& nodes() const { return *nodes_; }
  // The most leaves of the profile that a GPU has, free or not.
  [[nodiscard]] int most_on_gpu() const { return most_on_gpu_; }

  [[nodiscard]] int FreeOn(int gpu) const {
    return class_of_[static_cast<size_t>(gpu)] >> row_bits_;
  }
  [[nodiscard]] Gpu StateOf(int gpu) const { return ToState(class_of_[static_cast<size_t>(gpu)]); }

  // Nodes. A job may be allowed so many GPUs only; kAnyGpus stands for no such rule.
  static constexpr int kAnyGpus = INT32_MAX;
  // The most free leaves that a job could get on the node. O(1), O(leaves of a GPU) for a rule of 8
  // and more GPUs that the node exceeds.
  [[nodiscard]] int Capacity(int node, int max_gpus = kAnyGpus) const;
  // The same on any one node; on any `max_nodes` of them. O(1) but for rules as above, then O(V).
  [[nodiscard]] int MostOnNode(int max_gpus = kAnyGpus) const;
  [[nodiscard]] int MostOnNodes(int max_nodes) const;
  // As MostOnNode and MostOnNodes if all leaves were free.
  [[nodiscard]] int WholeCapacity(int max_gpus, int max_nodes) const;
  // The lowest node from `from` on with a Capacity of at least `least`, or kNone. O(log8 V) but for
  // rules as above.
  [[nodiscard]] int LowestNode(int least, int max_gpus = kAnyGpus, int from = 0) const;
  // The lowest node from `from` on that can give `least` leaves such that no host link carries more
  // than `limit`, or kNone. O(log8 V). REQUIRES: 1 <= limit <= kMostLinkLimit.
  static constexpr int kMostLinkLimit = static_cast<int>(CapacityTree::kLanes);
  [[nodiscard]] int LowestNodeUnderLoad(int least, int limit, int from) const {
    return under_load_.Lowest(from, static_cast<size_t>(limit) - 1, least);
  }
  // The next larger number of free leaves that some node has, from `from` on, or kNone. O(log64).
  [[nodiscard]] int NextTotal(int from) const { return live_totals_.Next(from); }
  // The next smaller one, from `from` down. REQUIRES: from <= most_on_node().
  [[nodiscard]] int PreviousTotal(int from) const { return live_totals_.Previous(from); }
  // The next node with exactly so many. REQUIRES: NextTotal has returned `total`.
  [[nodiscard]] int NextNodeWithTotal(int total, int from) const {
    return by_total_[static_cast<size_t>(total)].Next(from);
  }
  [[nodiscard]] int most_on_node() const { return most_on_node_; }
  // Of the nodes with enough capacity one with the fewest free leaves, the lowest of those; only
  // the first `tries` nodes in this order are looked at, then it is the lowest node. kNone if there
  // is none.
  [[nodiscard]] int TightestNode(int least, int max_gpus, int tries) const;

  // GPUs of a node.
  // The next GPU from `from` on that has a free leaf, on whatever node, or kNone. O(log64 G).
  [[nodiscard]] int NextGpu(int from) const { return any_.Next(from); }
  // How many GPUs of the node have exactly so many. O(1). REQUIRES: 0 <= free <= most_on_gpu().
  [[nodiscard]] int GpusWith(int node, int free) const {
    return histogram_[HistogramAt(node, free)];
  }
  // The next GPU from `from` on and below `end` with exactly so many free, or kNone.
  // O(classes of that count x log64 G), or O(end - from) if that is less.
  [[nodiscard]] int NextGpuWith(int free, int from, int end) const;
  // The GPU with the fewest free leaves that has `least`, the lowest of those, on whatever node, or
  // kNone. O(classes of one count).
  [[nodiscard]] int TightestGpu(int least) const;

  // Classes that have GPUs, in order of rising free leaves; kNone ends. O(log64).
  [[nodiscard]] int NextClass(int from) const { return live_classes_.Next(from); }
  [[nodiscard]] Gpu ToState(int gpu_class) const {
    const int row = gpu_class & IdleRow();
    const bool idle = row == IdleRow();
    return {gpu_class >> row_bits_, idle ? 0 : row, idle};
  }
  // The lowest class with so many free leaves.
  [[nodiscard]] int FirstClassWith(int free) const { return free << row_bits_; }
  [[nodiscard]] int NextGpuOfClass(int gpu_class, int from) const {
    return by_class_[static_cast<size_t>(gpu_class)].Next(from);
  }

 private:
  // A class is its free leaves and, in the low row_bits_, its load or the idle row.
  [[nodiscard]] int IdleRow() const { return (1 << row_bits_) - 1; }
  [[nodiscard]] int ToClass(Gpu state) const {
    return (state.free << row_bits_) | (state.idle ? IdleRow() : state.load);
  }
  [[nodiscard]] size_t HistogramAt(int node, int free) const {
    return static_cast<size_t>(node) * static_cast<size_t>(most_on_gpu_ + 1) +
           static_cast<size_t>(free);
  }
  // Whether CapacityTree has a lane for this rule; sets it.
  [[nodiscard]] bool LaneFor(int max_gpus, size_t& lane) const;
  [[nodiscard]] CapacityTree::Lanes LanesOf(int node, int total) const;
  void MoveTotal(int node, int before, int after);
  void Move(int gpu, int before, int after);

  const mig::Profile* profile_;
  std::shared_ptr<const NodeMap> nodes_;
  int most_on_gpu_ = 0;
  int most_on_node_ = 0;
  int row_bits_;
  std::vector<int> class_of_;       // by GPU
  IndexSet any_;                    // GPUs with a free leaf
  std::vector<IndexSet> by_class_;  // GPUs; those of count 0 are not kept
  IndexSet live_classes_;
  std::vector<int> histogram_;  // by node and count: GPUs
  // By node: the most leaves on 1 .. 7 GPUs, and all of them.
  CapacityTree capacity_;
  // By node: the most leaves with no link above 1 .. 8.
  CapacityTree under_load_;
  std::vector<CapacityTree::Lanes> class_under_load_;  // what a GPU of the class adds to it
  std::vector<IndexSet> by_total_;                     // nodes by free leaves
  IndexSet live_totals_;
  std::vector<int> whole_by_gpus_;   // [q - 1]: the most leaves on q GPUs of an empty node
  std::vector<int> whole_by_nodes_;  // [k - 1]: on k empty nodes
};

}  // namespace flexmig::alloc
