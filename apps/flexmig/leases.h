#pragma once

#include <vector>

#include "flexmig/agent/lease_store.h"
#include "flexmig/base/status.h"
#include "flexmig/mig/types.h"
#include "flexmig/partition/observed.h"

#include "node.h"

namespace flexmig::app {

// The leases of the node among this user's processes. Errors: as LeaseStore::Open.
Result<agent::LeaseStore> OpenLeases(const Node& node);

// Who holds which leaf at this moment, in words: "job train (process 4711)".
Result<partition::LeaseHolderOf> ReadLeaseHolders(const Node& node);

// Leases these leaves for a change of layout, past any queue, so that no job begins on them.
// Errors: kFailedPrecondition naming one that a job has got meanwhile. REQUIRES: not empty.
Result<agent::Lease> ReserveLeaves(const Node& node, const std::vector<mig::MigUuid>& leaves);

}  // namespace flexmig::app
