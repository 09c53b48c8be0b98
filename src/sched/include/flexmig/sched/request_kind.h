#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/policy.h"
#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"

namespace flexmig::sched {

// What the scheduler knows of all requests that are equal, so that it is found out once.
struct RequestKind {
  alloc::AllocationRequest request;  // leaf_count is the fewest of a moldable job
  uint64_t ordinal = 0;              // in the order in which kinds were first seen
  // Why such a request could not run even on the empty node.
  Status impossible;
  // Whether leaf_count free leaves are enough, wherever they are: all leaves are of one profile and
  // no span rule binds. For other requests counting is necessary but not sufficient.
  bool countable = false;
  // Whether leaf_count free leaves on one node are enough, whichever they are: there are several
  // nodes, and the job has to stay on one.
  bool countable_on_nodes = false;
  // The pool's growth count (see Scheduler) when such a request last did not fit: until the pool
  // grows it will not fit again. 0: never.
  uint64_t blocked_at = 0;
  size_t jobs = 0;  // that wait or run
};

// The kinds of request that there are. Kinds stay where they are in memory while they have jobs.
// Threading: thread-compatible.
class RequestKinds {
 public:
  // The kind of `request`, judged by `policy` and `pool` if it is new. Says nothing about whether
  // it fits now. Cost: O(log kinds), and one Choose for a new one.
  RequestKind& Of(const alloc::AllocationRequest& request, const alloc::AllocationPolicy& policy,
                  const alloc::LeafPool& pool);

 private:
  void ForgetUnused();

  // Two requests that differ in anything are of two kinds.
  std::map<alloc::AllocationRequest, RequestKind> kinds_;
  uint64_t seen_ = 0;
};

}  // namespace flexmig::sched
