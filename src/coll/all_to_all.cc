#include "algorithms.h"
#include "staged_copies.h"

namespace flexmig::coll {

Status AllToAllSmall(Engine& engine, const Operation& op) {
  const int own = engine.rank();
  const size_t bytes = op.bytes();
  const size_t own_begin = static_cast<size_t>(own) * bytes;
  const size_t all = static_cast<size_t>(engine.world_size()) * bytes;
  const size_t behind = own_begin + bytes;
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(all));
  reduce::CopyBytes(engine.small(own), op.send, own_begin);
  reduce::CopyBytes(engine.small(own) + behind, op.send + behind, all - behind);
  engine.Announce();
  reduce::CopyBytes(op.receive + own_begin, op.send + own_begin, bytes);
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncements());
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    if (rank == own) continue;
    reduce::CopyBytes(op.receive + static_cast<size_t>(rank) * bytes,
                      engine.small(rank) + own_begin, bytes);
  }
  engine.Complete();
  return OkStatus();
}

// A chunk holds a piece for every rank.
Status AllToAllStaged(Engine& engine, const Operation& op) {
  const int own = engine.rank();
  const int ranks = engine.world_size();
  const size_t room = engine.slot_bytes() / static_cast<size_t>(ranks) / shm::kLineBytes *
                      shm::kLineBytes;  // for a piece
  const auto part = [&](int rank) { return static_cast<size_t>(rank) * op.bytes(); };
  return CopyThroughSlots(
      engine, op.bytes(), room, ~uint64_t{0},
      [&](std::byte* slot, size_t begin, size_t bytes) {
        for (int rank = 0; rank < ranks; ++rank) {
          std::byte* to = rank == own ? op.receive + part(own) + begin
                                      : slot + static_cast<size_t>(rank) * room;
          reduce::CopyBytes(to, op.send + part(rank) + begin, bytes);
        }
      },
      [&](int rank, const std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(op.receive + part(rank) + begin, slot + static_cast<size_t>(own) * room,
                          bytes);
      });
}

Status AllToAllPulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  const size_t own_begin = static_cast<size_t>(engine.rank()) * op.bytes();
  reduce::CopyBytes(op.receive + own_begin, op.send + own_begin, op.bytes());
  // From the next rank on: not all from the same one at the same time.
  for (int i = 1; i < engine.world_size(); ++i) {
    const int rank = (engine.rank() + i) % engine.world_size();
    FLEXMIG_RETURN_IF_ERROR(peers.Pull(
        rank, own_begin, op.receive + static_cast<size_t>(rank) * op.bytes(), op.bytes()));
  }
  engine.Complete();
  return engine.AwaitCompletions(engine.call());
}

}  // namespace flexmig::coll
