#pragma once

#include <cstddef>

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/device/device_communicator.h"

// What an operation needs, from its arguments alone.
namespace flexmig::device {

// The bytes of a rank's buffers: all messages together for kExchange.
struct Traffic {
  size_t send_bytes = 0;
  size_t receive_bytes = 0;

  [[nodiscard]] size_t total() const { return send_bytes + receive_bytes; }
};

// What coll::Communicator would refuse, before it is in a stream. Errors: kInvalidArgument.
Status CheckOperation(const Operation& operation, int rank, int world_size);

// REQUIRES of all below: CheckOperation is ok.
[[nodiscard]] Traffic TrafficOf(const Operation& operation, int rank, int world_size);

// What decides whether an operation is small: the most that any rank sends and receives, so that
// all ranks decide alike. For kExchange, in which each rank may choose for itself, this rank's.
[[nodiscard]] size_t SizeOf(const Operation& operation, int rank, int world_size);

// Makes the call: `send` and `receive` stand for the operation's buffers, and `transfers` for its
// transfers.
Status Call(coll::Communicator& communicator, const Operation& operation,
            const coll::Reduction& reduction, const void* send, void* receive,
            std::span<const Transfer> transfers);

}  // namespace flexmig::device
