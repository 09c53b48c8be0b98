#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "flexmig/agent/gang.h"
#include "flexmig/base/status.h"
#include "flexmig/launch/job_environment.h"
#include "flexmig/runtime/collectives.h"

namespace flexmig::app {

struct CollectivesFlags {
  std::string mode;  // "" for the default
  std::string nccl;  // "" for what the loader finds
};

// --collectives and --nccl.
void AddCollectivesFlags(CLI::App& command, CollectivesFlags& flags);

// What a job's NCCL calls end up in: runtime::ChooseCollectives with the facts of this machine.
class JobCollectives {
 public:
  // Everything that does not depend on the leaves, so that a job does not queue for hours and fails
  // then. `backend` is --backend's value.
  // Errors: kInvalidArgument naming the flag; kNotFound if what the user asks for is not here.
  static Result<JobCollectives> Prepare(const CollectivesFlags& flags, std::string_view backend);

  // The choice for ranks on these leaves, element r: rank r's. Errors: those of ChooseCollectives.
  [[nodiscard]] Result<runtime::CollectivesChoice> Choose(
      const std::vector<launch::RankLeaf>& ranks) const;
  // Why Flex-MIG's own library cannot be used, and the mend; "" if it can, or nobody asks for it.
  [[nodiscard]] const std::string& drop_in_missing() const { return facts_.drop_in_missing; }

  // Adds the variables to the ranks, and says on stderr what the user should know; all of it if
  // `verbose`.
  Status Apply(const std::string& job_id, std::vector<agent::GangRank>& ranks, bool verbose);

 private:
  JobCollectives(runtime::CollectivesMode mode, runtime::CollectivesFacts facts)
      : mode_(mode), facts_(std::move(facts)) {}

  runtime::CollectivesMode mode_;
  runtime::CollectivesFacts facts_;  // without those about the ranks
};

}  // namespace flexmig::app
