#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/base/units.h"
#include "flexmig/mig/inventory.h"

namespace flexmig::alloc {

// How much the ranks of a job exchange, as far as the choice of leaves is concerned.
enum class Comm {
  kHeavy,  // its collectives take time: the host links of its GPUs matter
  kLight,  // bound by computing: they do not
};
// "heavy", "light".
std::string_view CommName(Comm comm);
// Errors: kInvalidArgument, quoting the text.
Result<Comm> ParseComm(std::string_view text);

// N leaves of one profile.
struct AllocationRequest {
  int leaf_count = 1;
  Bytes min_memory;             // per leaf; zero for no floor
  std::optional<int> max_gpus;  // span rule: at most so many GPUs
  int min_compute_slices = 0;   // per leaf; for jobs that cannot be split over smaller ones
  int max_nodes = 1;            // span rule; above 1 not together with max_gpus
  Comm comm = Comm::kHeavy;

  friend auto operator<=>(const AllocationRequest&, const AllocationRequest&) = default;
  friend bool operator==(const AllocationRequest&, const AllocationRequest&) = default;
};

// The ordered leaves of one job: element r is rank r's.
struct Allocation {
  std::vector<mig::LeafId> leaves;

  friend bool operator==(const Allocation&, const Allocation&) = default;
};

// What users say in place of a number of leaves, turned into one for the leaves of `inventory`. The
// leaf profile is the inventory's smallest by memory that reaches `min_memory`.
// Errors of all: kNotFound if there are no leaves, or for an unknown profile name;
// kInvalidArgument for a share outside (0, 64]; kResourceExhausted naming the largest leaf if none
// reaches `min_memory`; kUnimplemented if the board's SMs or memory are not known.

// Smallest N whose SMs and memory together reach those of `profile`, e.g. "3g.20gb" on 1g.5gb
// leaves: max(ceil(42 / 14), ceil(19.62 / 4.75)) = 5.
Result<int> LeavesLike(const mig::NodeInventory& inventory, std::string_view profile,
                       Bytes min_memory);

// ceil(share * compute slices of the board / compute slices of a leaf): 0.81 of an A100 in 1g
// leaves = ceil(5.67) = 6.
Result<int> LeavesForGpuFraction(const mig::NodeInventory& inventory, double share,
                                 Bytes min_memory);

}  // namespace flexmig::alloc
