#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/request.h"
#include "flexmig/alloc/score.h"
#include "flexmig/base/status.h"

namespace flexmig::alloc {

// A choice of leaves and what it is worth by the terms of `topo`.
struct ScoredAllocation {
  Allocation allocation;
  TopoTerms terms;
  int64_t score = 0;  // TopoScore
};

// Why a policy chose what it chose.
struct Explanation {
  std::string policy;
  std::string rule;       // one line
  bool by_score = false;  // whether the policy decided by the score; else it is only measured
  TopoWeights weights;
  ScoredAllocation chosen;
  // The best of the choices looked at that score worse, for a policy that decides by the score.
  std::optional<ScoredAllocation> runner_up;
};

// Chooses where a job runs.
//
// Threading: const and stateless; one object may serve many threads.
class AllocationPolicy {
 public:
  virtual ~AllocationPolicy() = default;
  AllocationPolicy(const AllocationPolicy&) = delete;
  AllocationPolicy& operator=(const AllocationPolicy&) = delete;

  [[nodiscard]] virtual std::string_view name() const = 0;

  // Chooses leaves for one request among the free ones; does not change the pool. The result has
  // exactly `request.leaf_count` leaves of one profile, grouped by GPU, so that neighbouring ranks
  // share a GPU; within a GPU by placement start. Equal inputs give equal results on every
  // platform. A job uses a further node only if it must.
  // Errors: kResourceExhausted if the leaves do not fit now; kInvalidArgument if they could not
  // even on the empty node, naming the largest possible leaf_count, or the largest leaf where the
  // floor of memory or compute slices is the reason, and for leaf_count, max_gpus or max_nodes < 1,
  // or a max_gpus together with max_nodes > 1.
  [[nodiscard]] virtual Result<Allocation> Choose(const AllocationRequest& request,
                                                  const LeafPool& pool) const = 0;

  // What Choose returns, and why; unless overridden, measured with the default weights and without
  // a rule. Errors: as Choose.
  [[nodiscard]] virtual Result<Explanation> Explain(const AllocationRequest& request,
                                                    const LeafPool& pool) const;

 protected:
  AllocationPolicy() = default;
};

// How often requests of a kind come, relative to each other.
struct RequestMix {
  struct Entry {
    int leaf_count = 1;
    std::optional<int> max_gpus;
    int64_t weight = 1;
  };
  std::vector<Entry> entries;
};

// What some policies can be told; the defaults do for all.
struct PolicyOptions {
  TopoWeights weights;            // of topo
  std::optional<RequestMix> mix;  // of min-frag; without one it is LeafPool::lease_sizes
};

// "first-fit", "pack", "spread", "round-robin", "topo", "min-frag", "best-fit",
// "largest-free-run": each is described in its source file and in docs/reference/alloc.md.
const std::vector<std::string>& PolicyNames();

// Errors: kNotFound, listing the names; kInvalidArgument for a weight that is negative or above
// 10^6, or a mix with an entry whose numbers are below 1 or weight above 10^9.
Result<std::unique_ptr<AllocationPolicy>> MakePolicy(std::string_view name,
                                                     const PolicyOptions& options = {});

}  // namespace flexmig::alloc
