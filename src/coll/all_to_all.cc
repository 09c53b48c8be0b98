#include "algorithms.h"
#include "staged_copies.h"

namespace flexmig::coll {

Status AllToAllSmall(Engine& engine, const Operation& op) {
  const int own = engine.rank();
  const size_t own_begin = op.offset_of(own);
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(op.offset_of(engine.world_size())));
  WriteOtherParts(engine, op);
  engine.Announce();
  reduce::CopyBytes(op.receive + own_begin, op.send + own_begin, op.bytes());
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncements());
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    if (rank == own) continue;
    reduce::CopyBytes(op.receive + op.offset_of(rank), engine.small(rank) + own_begin, op.bytes());
  }
  engine.Complete();
  return OkStatus();
}

// A chunk holds a piece for every rank.
Status AllToAllStaged(Engine& engine, const Operation& op) {
  const int own = engine.rank();
  const int ranks = engine.world_size();
  const size_t room = engine.piece_bytes();
  return CopyThroughSlots(
      engine, op.bytes(), room, ~uint64_t{0},
      [&](std::byte* slot, size_t begin, size_t bytes) {
        for (int rank = 0; rank < ranks; ++rank) {
          std::byte* to = rank == own ? op.receive + op.offset_of(own) + begin
                                      : slot + static_cast<size_t>(rank) * room;
          reduce::CopyBytes(to, op.send + op.offset_of(rank) + begin, bytes);
        }
      },
      [&](int rank, const std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(op.receive + op.offset_of(rank) + begin,
                          slot + static_cast<size_t>(own) * room, bytes);
      });
}

Status AllToAllPulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  const size_t own_begin = op.offset_of(engine.rank());
  reduce::CopyBytes(op.receive + own_begin, op.send + own_begin, op.bytes());
  // From the next rank on: not all from the same one at the same time.
  for (int i = 1; i < engine.world_size(); ++i) {
    const int rank = (engine.rank() + i) % engine.world_size();
    FLEXMIG_RETURN_IF_ERROR(
        peers.Pull(rank, own_begin, op.receive + op.offset_of(rank), op.bytes()));
  }
  return engine.CompleteTogether();
}

}  // namespace flexmig::coll
