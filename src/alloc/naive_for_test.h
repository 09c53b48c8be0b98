#pragma once

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "flexmig/alloc/policy.h"

namespace flexmig::alloc {

// The rules of the policies, each spelled out over single leaves and all subsets of them, for small
// pools. Nothing here uses an index of the pool.

// The free leaves of a pool as bits; REQUIRES: at most 16 leaves.
inline unsigned FreeMask(const LeafPool& pool) {
  unsigned free = 0;
  for (const mig::Leaf& leaf : pool.inventory().leaves) {
    if (pool.IsFree(leaf.id)) free |= 1U << leaf.id.value();
  }
  return free;
}

inline std::vector<mig::LeafId> ToLeaves(unsigned subset) {
  std::vector<mig::LeafId> leaves;
  for (; subset != 0; subset &= subset - 1) leaves.emplace_back(std::countr_zero(subset));
  return leaves;
}

inline unsigned ToMask(const Allocation& allocation) {
  unsigned subset = 0;
  for (const mig::LeafId id : allocation.leaves) subset |= 1U << id.value();
  return subset;
}

struct Shape {
  std::map<int, int> leaves_on;  // by GPU
  std::set<int> nodes;
  int bottleneck = 0;  // most leaves on one GPU
};

inline Shape ShapeOf(const LeafPool& pool, unsigned subset) {
  Shape shape;
  for (const mig::LeafId id : ToLeaves(subset)) {
    const int gpu = pool.leaf(id).gpu.value();
    shape.bottleneck = std::max(shape.bottleneck, ++shape.leaves_on[gpu]);
    shape.nodes.insert(pool.inventory().gpus[static_cast<size_t>(gpu)].node.value());
  }
  return shape;
}

// All choices of leaves of one profile that the request may be given.
inline std::vector<unsigned> LegalSubsets(const LeafPool& pool, const AllocationRequest& request) {
  std::vector<unsigned> legal;
  const unsigned free = FreeMask(pool);
  for (unsigned subset = free; subset > 0; subset = (subset - 1) & free) {
    if (std::popcount(subset) != request.leaf_count) continue;
    const Shape shape = ShapeOf(pool, subset);
    if (request.max_gpus && static_cast<int>(shape.leaves_on.size()) > *request.max_gpus) continue;
    if (static_cast<int>(shape.nodes.size()) > request.max_nodes) continue;
    legal.push_back(subset);
  }
  return legal;
}

// Free leaves that are in no choice that the request could be given.
inline int NaiveUnusableLeaves(const LeafPool& pool, const AllocationRequest& request) {
  unsigned usable = 0;
  for (const unsigned subset : LegalSubsets(pool, request)) usable |= subset;
  return std::popcount(FreeMask(pool) & ~usable);
}

// Free memory slices of a GPU, and the largest run of them, if `without` is taken away.
inline std::pair<int, int> SlicesOf(const LeafPool& pool, int gpu, unsigned without) {
  std::vector<bool> free(13, false);
  for (const mig::LeafId id : pool.FreeOn(mig::GpuIndex(gpu))) {
    if ((without >> id.value() & 1) != 0) continue;
    const mig::Placement place = pool.leaf(id).placement;
    for (int slice = place.start; slice < place.end(); ++slice) {
      free[static_cast<size_t>(slice)] = true;
    }
  }
  int count = 0;
  int run = 0;
  int largest = 0;
  for (const bool is_free : free) {
    run = is_free ? run + 1 : 0;
    count += is_free ? 1 : 0;
    largest = std::max(largest, run);
  }
  return {count, largest};
}

// Leaf by leaf where `cost` of (GPU, leaf, taken before) is least; of equals the lowest leaf.
template <typename Cost>
unsigned GreedyLeafByLeaf(const LeafPool& pool, int count, Cost cost) {
  unsigned taken = 0;
  for (int i = 0; i < count; ++i) {
    std::optional<std::pair<std::pair<int, int>, mig::LeafId>> best;
    for (const mig::LeafId id : ToLeaves(FreeMask(pool) & ~taken)) {
      const std::pair candidate(cost(pool.leaf(id), taken), id);
      if (!best || candidate.first < best->first) best = candidate;
    }
    taken |= 1U << best->second.value();
  }
  return taken;
}

}  // namespace flexmig::alloc
