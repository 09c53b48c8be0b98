#pragma once

#include <string>
#include <string_view>

#include "flexmig/base/status.h"

#include "selection.h"

namespace flexmig::coll {

// Puts what a selection file says for `world_size` ranks into `selection`
// (docs/formats/selection.md). Errors: kInvalidArgument with "<name>:<line>: ". `selection` is
// unspecified then.
Status ApplySelectionFile(std::string_view text, std::string_view name, int world_size,
                          Selection& selection);

// What rank 0 tells the others: DefaultSelection, changed by FLEXMIG_SELECTION (a file) and then by
// FLEXMIG_ALGORITHM (auto, small, staged, pulled or shared: that one wherever it can be).
// Errors: kInvalidArgument naming variable or line; what reading the file gives.
Result<Selection> SelectionFromEnvironment(int world_size);

}  // namespace flexmig::coll
