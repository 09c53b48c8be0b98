#pragma once

#include <cstddef>
#include <span>

#include "flexmig/base/status.h"

namespace flexmig::device {

// Moves memory to a NUMA node, as far as it lies elsewhere and nobody else has touched or pinned it
// yet, and lets pages that come later lie there too. `memory` begins on a page. A preference: where
// the node has no memory left, another one serves.
// Errors: kInvalidArgument if there is no such node, kPermissionDenied if the process may not,
// kUnimplemented if the kernel knows no nodes; nothing has changed then.
Status PreferNode(std::span<std::byte> memory, int node);

}  // namespace flexmig::device
