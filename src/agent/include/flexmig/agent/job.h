#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "flexmig/agent/gang.h"
#include "flexmig/agent/lease_store.h"
#include "flexmig/alloc/policy.h"
#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/base/units.h"
#include "flexmig/mig/inventory.h"

namespace flexmig::agent {

// How large a job is, in the user's words.
struct JobSize {
  struct Like {
    std::string profile;  // "3g.20gb": as many leaves as reach its SMs and memory
  };
  struct GpuFraction {
    double share = 0;  // of one GPU's compute slices, may be above 1
  };
  std::variant<int64_t, Like, GpuFraction> size;  // int64_t: a number of leaves
  Bytes min_memory;                               // per leaf; zero for no floor
  std::optional<int> max_gpus;
  alloc::Comm comm = alloc::Comm::kHeavy;
};

// The request that a size means on this node.
// Errors: kFailedPrecondition if the node has no leaves; kInvalidArgument for less than 1 leaf or
// GPU, or if no leaf has the memory, naming what the node has; and those of alloc::LeavesLike and
// LeavesForGpuFraction. That the node is too small is for the policy to say.
Result<alloc::AllocationRequest> RequestFor(const JobSize& size,
                                            const mig::NodeInventory& inventory);

// The node's leaves with those in `busy` leased to their holders, the longest held first. Leases of
// leaves that the node does not have (any more) are passed over.
alloc::LeafPool PoolOf(const mig::NodeInventory& inventory, const BusyLeaves& busy);

// What the policy gives to `job` among the leaves that are not busy.
// Errors: those of AllocationPolicy::Choose; kAlreadyExists if a job of this id holds leaves.
Result<std::vector<mig::MigUuid>> ChooseLeaves(const mig::NodeInventory& inventory,
                                               const alloc::AllocationRequest& request,
                                               const alloc::AllocationPolicy& policy,
                                               const JobId& job, const BusyLeaves& busy);

// A name for a job that the user did not name: "job-" and 8 hex digits.
JobId MakeJobId();
// Errors: kInvalidArgument unless the name is 1 to 64 of letters, digits, '.', '_' and '-', and
// does not begin with '-' or '.'.
Result<JobId> ParseJobId(std::string_view text);

// A TCP port of this host that was free a moment ago, for torchrun's rendezvous. Somebody else may
// take it before rank 0 does: torch then fails to bind and the job fails; start it again.
// Errors: kResourceExhausted if there is none.
Result<int> FindFreePort();

// The ranks of a job on these leaves: each with its launch::JobEnvironment, all with one new random
// segment name. Errors: kNotFound for a leaf that is not in the inventory.
Result<std::vector<GangRank>> RanksOn(const mig::NodeInventory& inventory, const JobId& job,
                                      const std::vector<mig::MigUuid>& leaves, int master_port);

}  // namespace flexmig::agent
