#include "job_collectives.h"

#include <cstdio>
#include <map>
#include <utility>

#include "flexmig/base/env.h"
#include "flexmig/base/strings.h"
#include "flexmig/runtime/machine.h"

#include "size_flags.h"

namespace flexmig::app {

namespace {

using runtime::CollectivesMode;

std::optional<std::string> Environment(const char* name) { return GetEnv(name); }

Result<std::optional<runtime::NcclLibrary>> FindNccl(const CollectivesFlags& flags) {
  if (!flags.nccl.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(auto named, Flag("--nccl", runtime::ReadNcclLibrary(flags.nccl)));
    return std::optional(std::move(named));
  }
  auto found = runtime::FindNcclLibrary(runtime::LoaderView::OfThisProcess());
  // That there is none is a fact, too: programs bring their own along.
  if (!found.ok()) return std::optional<runtime::NcclLibrary>();
  return std::optional(*std::move(found));
}

void Say(const runtime::CollectivesChoice& choice) {
  std::fprintf(stderr, "flexmig run: collectives: %s: %s\n",
               std::string(runtime::CollectivesName(choice.collectives)).c_str(),
               choice.reason.c_str());
  for (const auto& [name, value] : choice.variables.front()) {
    const bool same = value == choice.variables.back().at(name);
    std::fprintf(stderr, "flexmig run:   %s=%s%s\n", name.c_str(), value.c_str(),
                 same ? "" : " for rank 0, another one for each rank");
  }
}

}  // namespace

void AddCollectivesFlags(CLI::App& command, CollectivesFlags& flags) {
  command
      .add_option("--collectives", flags.mode,
                  "What NCCL calls end up in: hsm (Flex-MIG's libnccl.so.2, preloaded), nccl (the "
                  "program's, with the variables it needs on leaves), none (nothing is set), auto")
      ->envname("FLEXMIG_COLLECTIVES");
  command.add_option("--nccl", flags.nccl,
                     "The libnccl.so.2 that the program brings along, whose version decides what "
                     "it needs; by default what the loader finds");
}

Result<JobCollectives> JobCollectives::Prepare(const CollectivesFlags& flags,
                                               std::string_view backend) {
  FLEXMIG_ASSIGN_OR_RETURN(
      const auto mode,
      Flag("--collectives", runtime::ParseCollectivesMode(
                                flags.mode.empty() ? FLEXMIG_DEFAULT_COLLECTIVES : flags.mode)));
  runtime::CollectivesFacts facts;
  constexpr std::string_view kSimulated = "sim:";
  if (backend.starts_with(kSimulated)) facts.simulated_node = backend.substr(kSimulated.size());
  if (mode == CollectivesMode::kAuto || mode == CollectivesMode::kHsm) {
    FLEXMIG_ASSIGN_OR_RETURN(const auto program, runtime::ThisProgram());
    const auto drop_in = runtime::FindDropIn(program, Environment);
    if (drop_in.ok()) {
      facts.drop_in = *drop_in;
    } else if (mode == CollectivesMode::kHsm || Environment("FLEXMIG_NCCL_DROPIN")) {
      return drop_in.status();
    } else {
      facts.drop_in_missing = drop_in.status().message();
    }
    if (!facts.simulated_node.empty()) {
      const auto cuda = runtime::FindOwnLibrary(program, "cuda-sim/libcuda.so.1");
      if (cuda.ok()) facts.simulated_cuda = *cuda;
    }
  }
  if (runtime::DependsOnNccl(mode, facts, Environment) || !flags.nccl.empty()) {
    FLEXMIG_ASSIGN_OR_RETURN(facts.nccl, FindNccl(flags));
  }
  if (facts.simulated_node.empty()) facts.driver_branch = runtime::DriverBranch();
  facts.has_network = runtime::HasNetwork();
  return JobCollectives(mode, std::move(facts));
}

Result<runtime::CollectivesChoice> JobCollectives::Choose(
    const std::vector<launch::RankLeaf>& ranks) const {
  runtime::CollectivesFacts facts = facts_;
  facts.ranks = ranks;
  return runtime::ChooseCollectives(mode_, facts, Environment);
}

Status JobCollectives::Apply(const std::string& job_id, std::vector<agent::GangRank>& ranks,
                             bool verbose) {
  facts_.job_id = job_id;
  FLEXMIG_ASSIGN_OR_RETURN(
      const launch::JobEnvironment job,
      launch::FromVariables([&ranks](const char* name) -> std::optional<std::string> {
        const auto at = ranks.front().variables.find(name);
        if (at == ranks.front().variables.end()) return std::nullopt;
        return at->second;
      }));
  FLEXMIG_ASSIGN_OR_RETURN(const auto choice, Choose(job.leaves));
  for (size_t r = 0; r < ranks.size(); ++r) {
    for (const auto& [name, value] : choice.variables[r]) ranks[r].variables[name] = value;
  }
  for (const auto& warning : choice.warnings) {
    std::fprintf(stderr, "flexmig run: warning: %s\n", warning.c_str());
  }
  if (verbose) Say(choice);
  return OkStatus();
}

}  // namespace flexmig::app
