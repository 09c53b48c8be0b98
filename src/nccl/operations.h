#pragma once

#include <cstddef>

#include "flexmig/base/status.h"
#include "flexmig/device/device_communicator.h"

namespace flexmig::nccl {

// What is wrong with an operation's root, peers, buffers or counts, as far as one rank can tell, so
// that a call says so at once and its group is not begun. Null buffers are right where this rank
// has no use for them, and for no elements. Errors: kInvalidArgument.
Status CheckOperation(const device::Operation& operation, int rank, int world_size);

// "AllReduce" for the log.
[[nodiscard]] const char* KindName(device::Operation::Kind kind);

}  // namespace flexmig::nccl
