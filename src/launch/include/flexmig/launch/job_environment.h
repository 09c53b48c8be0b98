#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"

namespace flexmig::launch {

// The leaf that one rank runs on, in the words of the environment.
struct RankLeaf {
  std::string mig_uuid;  // "MIG-7f37c7aa-...", what CUDA_VISIBLE_DEVICES takes
  int gpu = 0;           // index of the GPU on its host

  friend bool operator==(const RankLeaf&, const RankLeaf&) = default;
};

// The per-job contract: everything that a rank learns from its launcher. Written into the
// environment by the launcher, read back by the rank; the only thing the two stacks share.
//
// Invariants: leaves.size() == world_size >= 1; 0 <= rank < world_size; every mig_uuid differs;
// segment is 32 lower-case hex digits.
struct JobEnvironment {
  JobId job_id;
  Rank rank;
  int world_size = 1;
  std::string master_address = "127.0.0.1";  // torchrun's rendezvous, unused by our collectives
  int master_port = 0;
  std::string segment;           // 128 random bits: the name under which the ranks meet
  std::vector<RankLeaf> leaves;  // element r is rank r's
};

// The variables for one rank, by name. All ranks of a job are on one node, so LOCAL_* repeats the
// global values:
//   RANK WORLD_SIZE LOCAL_RANK LOCAL_WORLD_SIZE GROUP_RANK MASTER_ADDR MASTER_PORT  (torchrun)
//   CUDA_VISIBLE_DEVICES = this rank's MIG UUID, exactly one
//   FLEXMIG_JOB_ID FLEXMIG_SEGMENT
//   FLEXMIG_LEAVES = "<gpu>:<mig uuid>" for every rank, in rank order, joined by commas
// REQUIRES: the invariants above.
[[nodiscard]] std::map<std::string, std::string> ToVariables(const JobEnvironment& job);

// Looks a variable up; nullopt if it is unset or empty.
using VariableLookup = std::function<std::optional<std::string>(const char* name)>;

// Reads what ToVariables wrote.
// Errors: kNotFound if FLEXMIG_SEGMENT is unset, that is, this process was not started by
// `flexmig run`; kInvalidArgument naming the variable if one is malformed or breaks an invariant.
Result<JobEnvironment> FromVariables(const VariableLookup& lookup);

// FromVariables over this process's environment.
Result<JobEnvironment> FromProcessEnvironment();

}  // namespace flexmig::launch
