#pragma once

#include <cstdint>
#include <span>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/request.h"

namespace flexmig::alloc {

// What each term of `topo` is worth, in points; not negative. The defaults were swept with
// `alloc-bench --sweep` (docs/reference/alloc.md).
struct TopoWeights {
  int link = 100;  // a further leaf on the most loaded host link that the job uses
  int numa = 50;   // a further NUMA node
  int frag = 40;   // a free leaf more that jobs within one GPU are expected to miss
  int gpus = 30;   // a GPU taken that nobody used

  friend bool operator==(const TopoWeights&, const TopoWeights&) = default;
};

// The terms of a choice of leaves, as the pool is before they are leased.
struct TopoTerms {
  // The most loaded host link of the GPUs used: this job's leaves there and the communicating
  // leaves of others. 0 for one leaf and for jobs that are Comm::kLight.
  int link_load = 0;
  // NUMA nodes used beyond the first; those of different nodes are different.
  int numa_crossed = 0;
  // The growth of the sum over GPUs of f(c) = c (M - c) / M, where c leaves of the profile are free
  // and a GPU has M of them: the free leaves that a job of 1 to M leaves on one GPU, all sizes
  // equally likely, is expected not to be able to use, since it needs more than c. 0 for a GPU that
  // is full or empty. In units of 1 / `scale` leaf, so that scores are exact.
  int64_t fragmentation = 0;
  // GPUs used on which nobody held a leaf.
  int gpus_opened = 0;
  int scale = 1;  // M
};

// REQUIRES: the leaves are free, not empty and of one profile.
TopoTerms MeasureTopo(const LeafPool& pool, Comm comm, std::span<const mig::LeafId> leaves);

// Smaller is better; in units of 1 / scale point.
int64_t TopoScore(const TopoTerms& terms, const TopoWeights& weights);

}  // namespace flexmig::alloc
