#include "algorithms.h"
#include "staged_copies.h"

namespace flexmig::coll {

Status AllGatherSmall(Engine& engine, const Operation& op) {
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(op.bytes()));
  reduce::CopyBytes(engine.small(engine.rank()), op.send, op.bytes());
  engine.Announce();
  reduce::CopyBytes(op.receive + op.offset_of(engine.rank()), op.send, op.bytes());
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncements());
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    if (rank != engine.rank())
      reduce::CopyBytes(op.receive + op.offset_of(rank), engine.small(rank), op.bytes());
  }
  engine.Complete();
  return OkStatus();
}

Status AllGatherStaged(Engine& engine, const Operation& op) {
  const uint64_t everyone = ~uint64_t{0};
  std::byte* const own_place = op.receive + op.offset_of(engine.rank());
  return CopyThroughSlots(
      engine, op.bytes(), CopyChunkBytes(engine, op.bytes()), everyone,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(slot, op.send + begin, bytes);
        reduce::CopyBytes(own_place + begin, op.send + begin, bytes);  // while it is in the cache
      },
      [&](int rank, const std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(op.receive + op.offset_of(rank) + begin, slot, bytes);
      });
}

Status AllGatherPulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  reduce::CopyBytes(op.receive + op.offset_of(engine.rank()), op.send, op.bytes());
  // From the next rank on: not all from the same one at the same time.
  for (int i = 1; i < engine.world_size(); ++i) {
    const int rank = (engine.rank() + i) % engine.world_size();
    FLEXMIG_RETURN_IF_ERROR(peers.Pull(rank, 0, op.receive + op.offset_of(rank), op.bytes()));
  }
  return engine.CompleteTogether();
}

}  // namespace flexmig::coll
