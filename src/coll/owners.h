#pragma once

#include <span>

#include "flexmig/base/status.h"

#include "engine.h"
#include "operation.h"
#include "peer_buffers.h"

namespace flexmig::coll {

// How ranks reduce parts, as far as several collectives share it.

// In chunks through the slots: rank r reduces part r of every chunk, in the place of its own
// contribution; where `collects`, this rank reads all parts into op.receive. Completes the call.
Status ReduceByOwners(Engine& engine, const Operation& op, bool collects);

// Reduces elements `part` of all ranks' shared send buffers into each of `outs`, which are where
// that part begins there. Waits until all ranks have done theirs, and completes the call.
Status ReduceSharedPart(Engine& engine, const Operation& op, const PeerBuffers& peers, Part part,
                        std::span<void* const> outs);

// Reduces elements `part` of all ranks' send buffers into `out`, reading those of the others piece
// by piece into this rank's slots, which the call must not use otherwise.
Status PullAndReduce(Engine& engine, const Operation& op, const PeerBuffers& peers, Part part,
                     std::byte* out);

}  // namespace flexmig::coll
