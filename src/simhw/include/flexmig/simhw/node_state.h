#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/simhw/node_spec.h"
#include "flexmig/simhw/sim_board.h"

namespace flexmig::simhw {

// The boards of one simulated node; element i is GPU i.
using NodeState = std::vector<SimBoard>;

// A machine that has just been delivered: MIG off everywhere.
NodeState FreshState(const NodeSpec& spec);

// The text of a state file, docs/formats/sim-node.md. Equal states give equal text.
std::string FormatNodeState(const NodeSpec& spec, const NodeState& state);

// The inverse. Unknown, missing and repeated keys are errors, and so is every state that a SimBoard
// could not be in. `file` is used in messages only.
// Errors: kDataLoss: "<file>:<line>:<column>: ..." for text that is not JSON,
// "<file>: gpus[2].instances[0]: ..." for a value that is wrong.
Result<NodeState> ParseNodeState(const NodeSpec& spec, std::string_view text,
                                 std::string_view file);

}  // namespace flexmig::simhw
