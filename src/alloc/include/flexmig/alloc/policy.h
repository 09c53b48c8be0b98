#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"

namespace flexmig::alloc {

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
  // platform.
  // Errors: kResourceExhausted if the leaves do not fit now; kInvalidArgument if they could not
  // even on the empty node, naming the largest possible leaf_count, or the largest leaf where the
  // floor of memory or compute slices is the reason, and for leaf_count < 1 or max_gpus < 1.
  [[nodiscard]] virtual Result<Allocation> Choose(const AllocationRequest& request,
                                                  const LeafPool& pool) const = 0;

 protected:
  AllocationPolicy() = default;
};

// "first-fit", "pack", "spread".
const std::vector<std::string>& PolicyNames();

// Errors: kNotFound, listing the names.
Result<std::unique_ptr<AllocationPolicy>> MakePolicy(std::string_view name);

}  // namespace flexmig::alloc
