#include "algorithms.h"
#include "staged_copies.h"

namespace flexmig::coll {

Status BroadcastSmall(Engine& engine, const Operation& op) {
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(op.bytes()));
  if (engine.rank() == op.root) {
    reduce::CopyBytes(engine.small(op.root), op.send, op.bytes());
    engine.Announce();
    reduce::CopyBytes(op.receive, op.send, op.bytes());
  } else {
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncement(op.root));
    reduce::CopyBytes(op.receive, engine.small(op.root), op.bytes());
  }
  engine.Complete();
  return OkStatus();
}

Status BroadcastStaged(Engine& engine, const Operation& op) {
  return CopyThroughSlots(
      engine, op.bytes(), CopyChunkBytes(engine, op.bytes()), uint64_t{1} << op.root,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(slot, op.send + begin, bytes);
        reduce::CopyBytes(op.receive + begin, op.send + begin, bytes);
      },
      [&](int, const std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(op.receive + begin, slot, bytes);
      });
}

Status BroadcastPulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  if (engine.rank() == op.root) {
    reduce::CopyBytes(op.receive, op.send, op.bytes());
  } else {
    FLEXMIG_RETURN_IF_ERROR(peers.Pull(op.root, 0, op.receive, op.bytes()));
  }
  return engine.CompleteTogether();
}

Status BroadcastShared(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  const Part own = PartOf(engine.rank(), engine.world_size(), op.count, op.element);
  const size_t begin = own.begin * op.element;
  // In pieces that are read from memory once and from the cache for all but the first receiver.
  constexpr size_t kPiece = 16 << 10;
  for (size_t done = 0; done < own.count * op.element; done += kPiece) {
    const size_t bytes = std::min(kPiece, own.count * op.element - done);
    const std::byte* from = peers.send(op.root) + begin + done;
    for (int rank = 0; rank < engine.world_size(); ++rank) {
      reduce::CopyBytes(peers.receive(rank) + begin + done, from, bytes);
    }
  }
  return engine.CompleteTogether();
}

}  // namespace flexmig::coll
