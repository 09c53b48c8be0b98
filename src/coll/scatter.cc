#include "algorithms.h"
#include "staged_copies.h"

namespace flexmig::coll {
namespace {

const std::byte* PartFor(int rank, const std::byte* all, size_t bytes) {
  return all + static_cast<size_t>(rank) * bytes;
}

}  // namespace

Status ScatterSmall(Engine& engine, const Operation& op) {
  const size_t all = static_cast<size_t>(engine.world_size()) * op.bytes();
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(all));
  if (engine.rank() == op.root) {
    reduce::CopyBytes(engine.small(op.root), op.send, all);
    engine.Announce();
    reduce::CopyBytes(op.receive, PartFor(op.root, op.send, op.bytes()), op.bytes());
  } else {
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncement(op.root));
    reduce::CopyBytes(op.receive, PartFor(engine.rank(), engine.small(op.root), op.bytes()),
                      op.bytes());
  }
  engine.Complete();
  return OkStatus();
}

// A chunk holds a piece for every rank.
Status ScatterStaged(Engine& engine, const Operation& op) {
  const int ranks = engine.world_size();
  const size_t room = engine.slot_bytes() / static_cast<size_t>(ranks) / shm::kLineBytes *
                      shm::kLineBytes;  // for a piece
  if (engine.rank() == op.root) {
    reduce::CopyBytes(op.receive, PartFor(op.root, op.send, op.bytes()), op.bytes());
  }
  return CopyThroughSlots(
      engine, op.bytes(), room, uint64_t{1} << op.root,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        for (int rank = 0; rank < ranks; ++rank) {
          if (rank == op.root) continue;
          reduce::CopyBytes(slot + static_cast<size_t>(rank) * room,
                            PartFor(rank, op.send, op.bytes()) + begin, bytes);
        }
      },
      [&](int, const std::byte* slot, size_t begin, size_t bytes) {
        reduce::CopyBytes(op.receive + begin, slot + static_cast<size_t>(engine.rank()) * room,
                          bytes);
      });
}

Status ScatterPulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  if (engine.rank() == op.root) {
    reduce::CopyBytes(op.receive, PartFor(op.root, op.send, op.bytes()), op.bytes());
  } else {
    FLEXMIG_RETURN_IF_ERROR(peers.Pull(op.root, static_cast<size_t>(engine.rank()) * op.bytes(),
                                       op.receive, op.bytes()));
  }
  engine.Complete();
  return engine.AwaitCompletions(engine.call());
}

}  // namespace flexmig::coll
