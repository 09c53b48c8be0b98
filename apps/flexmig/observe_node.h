#pragma once

#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/partition/observed.h"

#include "node.h"

namespace flexmig::app {

// Every GPU as it is now; nobody is asked for leases or for who created what.
// Errors: the backend's.
Result<std::vector<partition::ObservedGpu>> ObserveNode(const Node& node);

}  // namespace flexmig::app
