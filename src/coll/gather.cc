#include "algorithms.h"
#include "staged_copies.h"

namespace flexmig::coll {

Status GatherSmall(Engine& engine, const Operation& op) {
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(op.bytes()));
  if (engine.rank() != op.root) {
    reduce::CopyBytes(engine.small(engine.rank()), op.send, op.bytes());
    engine.Announce();
  } else {
    reduce::CopyBytes(op.receive + op.offset_of(op.root), op.send, op.bytes());
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncements());
    for (int rank = 0; rank < engine.world_size(); ++rank) {
      if (rank != op.root)
        reduce::CopyBytes(op.receive + op.offset_of(rank), engine.small(rank), op.bytes());
    }
  }
  engine.Complete();
  return OkStatus();
}

Status GatherStaged(Engine& engine, const Operation& op) {
  const bool is_root = engine.rank() == op.root;
  if (is_root) reduce::CopyBytes(op.receive + op.offset_of(op.root), op.send, op.bytes());
  const uint64_t sources = is_root ? ~(uint64_t{1} << op.root) : uint64_t{1} << engine.rank();
  return CopyThroughSlots(
      engine, op.bytes(), CopyChunkBytes(engine, op.bytes()), sources,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(slot, op.send + begin, bytes);
      },
      [&](int rank, const std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(op.receive + op.offset_of(rank) + begin, slot, bytes);
      });
}

Status GatherPulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  if (peers.receive_shared(op.root)) {
    // Everybody writes its own part: N processors instead of one.
    reduce::CopyBytes(peers.receive(op.root) + op.offset_of(engine.rank()), op.send, op.bytes());
  } else if (engine.rank() == op.root) {
    for (int rank = 0; rank < engine.world_size(); ++rank) {
      if (rank == op.root) continue;
      FLEXMIG_RETURN_IF_ERROR(peers.Pull(rank, 0, op.receive + op.offset_of(rank), op.bytes()));
    }
    reduce::CopyBytes(op.receive + op.offset_of(op.root), op.send, op.bytes());
  }
  return engine.CompleteTogether();
}

}  // namespace flexmig::coll
