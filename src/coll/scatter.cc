#include "algorithms.h"
#include "staged_copies.h"

namespace flexmig::coll {

Status ScatterSmall(Engine& engine, const Operation& op) {
  const size_t all = op.offset_of(engine.world_size());
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(all));
  if (engine.rank() == op.root) {
    reduce::CopyBytes(engine.small(op.root), op.send, all);
    engine.Announce();
    reduce::CopyBytes(op.receive, op.send + op.offset_of(op.root), op.bytes());
  } else {
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncement(op.root));
    reduce::CopyBytes(op.receive, engine.small(op.root) + op.offset_of(engine.rank()), op.bytes());
  }
  engine.Complete();
  return OkStatus();
}

// A chunk holds a piece for every rank.
Status ScatterStaged(Engine& engine, const Operation& op) {
  const int ranks = engine.world_size();
  const size_t room = engine.piece_bytes();
  if (engine.rank() == op.root) {
    reduce::CopyBytes(op.receive, op.send + op.offset_of(op.root), op.bytes());
  }
  return CopyThroughSlots(
      engine, op.bytes(), room, uint64_t{1} << op.root,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        for (int rank = 0; rank < ranks; ++rank) {
          if (rank == op.root) continue;
          reduce::CopyBytes(slot + static_cast<size_t>(rank) * room,
                            op.send + op.offset_of(rank) + begin, bytes);
        }
      },
      [&](int, const std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(op.receive + begin, slot + static_cast<size_t>(engine.rank()) * room,
                          bytes);
      });
}

Status ScatterPulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  if (engine.rank() == op.root) {
    reduce::CopyBytes(op.receive, op.send + op.offset_of(op.root), op.bytes());
  } else {
    FLEXMIG_RETURN_IF_ERROR(
        peers.Pull(op.root, op.offset_of(engine.rank()), op.receive, op.bytes()));
  }
  return engine.CompleteTogether();
}

}  // namespace flexmig::coll
