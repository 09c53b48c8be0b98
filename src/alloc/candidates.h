#pragma once

#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"

namespace flexmig::alloc {

// The free leaves of one profile on one GPU that a request may use.
struct GpuCandidates {
  mig::GpuIndex gpu;
  std::vector<mig::LeafId> leaves;  // by placement start, not empty
};

// All that a request may use, of one profile; by GpuIndex.
struct Candidates {
  const mig::Profile* profile = nullptr;
  std::vector<GpuCandidates> gpus;
};

// Splits the free leaves by profile, leaving out profiles below the floors of the request and
// those that cannot hold it under its span rule. Smallest profile first, so that large leaves are
// kept for those who need them. Errors: as AllocationPolicy::Choose; never an empty list. Cost:
// O(leaves of the node).
Result<std::vector<Candidates>> FindCandidates(const AllocationRequest& request,
                                               const LeafPool& pool);

// Takes `leaf_count` leaves from `gpus` in the given order, all of a GPU before the next one.
// REQUIRES: they hold as many.
Allocation TakeInOrder(const std::vector<GpuCandidates>& gpus, int leaf_count);

}  // namespace flexmig::alloc
