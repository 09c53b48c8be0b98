#include "leases.h"

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::app {

namespace {

std::string Describe(const agent::LeaseHolder& holder) {
  return StrCat("job ", holder.job.value(), " (process ", holder.pid, ")");
}

}  // namespace

Result<agent::LeaseStore> OpenLeases(const Node& node) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto state, StateDirectory());
  return agent::LeaseStore::Open(state / "leases" / node.name);
}

Result<partition::LeaseHolderOf> ReadLeaseHolders(const Node& node) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto store, OpenLeases(node));
  FLEXMIG_ASSIGN_OR_RETURN(const auto busy, store.Snapshot());
  return partition::LeaseHolderOf([busy](const mig::MigUuid& leaf) {
    const auto at = busy.find(leaf);
    return at == busy.end() ? std::string() : Describe(at->second);
  });
}

Result<agent::Lease> ReserveLeaves(const Node& node, const std::vector<mig::MigUuid>& leaves) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto store, OpenLeases(node));
  agent::LeaseRequest request;
  request.job = JobId("flexmig-apply");
  request.command = "flexmig apply";
  request.pass_the_queue = true;
  request.choose = [&](const agent::BusyLeaves& busy) -> Result<std::vector<mig::MigUuid>> {
    for (const auto& leaf : leaves) {
      const auto at = busy.find(leaf);
      if (at == busy.end()) continue;
      return FailedPreconditionError(
          StrCat(leaf.value(), " has just been leased by ", Describe(at->second)));
    }
    return leaves;
  };
  return store.Acquire(request);
}

}  // namespace flexmig::app
