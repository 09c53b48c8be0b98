#pragma once

#include "flexmig/base/status.h"

#include "engine.h"
#include "moves.h"
#include "operation.h"
#include "peer_buffers.h"

// How the collectives move their data: one file each. N ranks, S = the bytes of a part (Operation).
// Costs are rounds of waiting and, for the busiest rank, bytes read by memory copies or reductions.
//
//   ...Small     the contribution lies in an announcement or one slot: one round.
//   ...Staged    any size, in chunks through the slots, pipelined: after a first round, another for
//                each chunk in flight.
//   ...Pulled    straight from the peers' buffers, which are shared memory or can be read across
//                processes: a round before and a round after, and no copy in between.
//   ...Moved     on buffers that only a Mover reaches, of any size, in chunks through the slots:
//                copies in, the processor's work and copies out of three chunks at a time.
//
// The engine has begun the call. For the forms but Small, all ranks have announced it and this one
// has seen that. Each completes the call.
namespace flexmig::coll {

// 1 round; (N-1) S in, N S reduced.
Status AllReduceSmall(Engine& engine, const Operation& op);
// Rank r reduces part r of every chunk and everybody reads the parts: 2 rounds a chunk; S in, S
// reduced N-fold by N ranks, S out.
Status AllReduceStaged(Engine& engine, const Operation& op);
// Rank r reads part r of everybody's `send` and reduces it, then everybody reads the results: 3
// rounds; S read, S reduced, S read, for N ranks together N-fold.
Status AllReducePulled(Engine& engine, const Operation& op, const PeerBuffers& peers);
// Rank r reduces part r of the whole from everybody's `send` into everybody's `receive`: 2 rounds;
// S reduced.
Status AllReduceShared(Engine& engine, const Operation& op, const PeerBuffers& peers);

// 1 round that only the root waits for; the root reduces N S.
Status ReduceSmall(Engine& engine, const Operation& op);
// Few ranks: the root reduces everything, N S. Many: as AllReduceStaged, but only it reads the
// parts.
Status ReduceStaged(Engine& engine, const Operation& op);
// The root reads (N-1) S and reduces N S.
Status ReducePulled(Engine& engine, const Operation& op, const PeerBuffers& peers);
// As AllReduceShared, but into the root's `receive` alone.
Status ReduceShared(Engine& engine, const Operation& op, const PeerBuffers& peers);

// `send` has N parts of which rank r reduces part r.
Status ReduceScatterSmall(Engine& engine, const Operation& op);
Status ReduceScatterStaged(Engine& engine, const Operation& op);
// (N-1) S read.
Status ReduceScatterPulled(Engine& engine, const Operation& op, const PeerBuffers& peers);
Status ReduceScatterShared(Engine& engine, const Operation& op, const PeerBuffers& peers);

// (N-1) S read.
Status AllGatherSmall(Engine& engine, const Operation& op);
Status AllGatherStaged(Engine& engine, const Operation& op);
Status AllGatherPulled(Engine& engine, const Operation& op, const PeerBuffers& peers);

Status GatherSmall(Engine& engine, const Operation& op);
Status GatherStaged(Engine& engine, const Operation& op);
Status GatherPulled(Engine& engine, const Operation& op, const PeerBuffers& peers);

// 1 round that only the others wait for; S read.
Status BroadcastSmall(Engine& engine, const Operation& op);
Status BroadcastStaged(Engine& engine, const Operation& op);
Status BroadcastPulled(Engine& engine, const Operation& op, const PeerBuffers& peers);
// Rank r copies 1/N of the message to everybody: S read by N ranks, (N-1) S written.
Status BroadcastShared(Engine& engine, const Operation& op, const PeerBuffers& peers);

Status ScatterSmall(Engine& engine, const Operation& op);
Status ScatterStaged(Engine& engine, const Operation& op);
Status ScatterPulled(Engine& engine, const Operation& op, const PeerBuffers& peers);

Status AllToAllSmall(Engine& engine, const Operation& op);
Status AllToAllStaged(Engine& engine, const Operation& op);
Status AllToAllPulled(Engine& engine, const Operation& op, const PeerBuffers& peers);

// What the mover copies is in communicator.h. The processors of N ranks together reduce N S for an
// all-reduce or a reduce, N N S for a reduce-scatter. On error, copies may be under way.
Status AllReduceMoved(Engine& engine, Moves& moves, const Operation& op);
Status ReduceMoved(Engine& engine, Moves& moves, const Operation& op);
Status ReduceScatterMoved(Engine& engine, Moves& moves, const Operation& op);
Status AllGatherMoved(Engine& engine, Moves& moves, const Operation& op);
Status GatherMoved(Engine& engine, Moves& moves, const Operation& op);
Status BroadcastMoved(Engine& engine, Moves& moves, const Operation& op);
Status ScatterMoved(Engine& engine, Moves& moves, const Operation& op);
Status AllToAllMoved(Engine& engine, Moves& moves, const Operation& op);

}  // namespace flexmig::coll
