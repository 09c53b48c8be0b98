#include "moved_copies.h"

#include "algorithms.h"

// The collectives that only move data, on buffers that a Mover reaches.
namespace flexmig::coll {
namespace {

constexpr uint64_t kEveryone = ~uint64_t{0};

// Of a collective in whose chunks there is a piece for every rank.
struct Pieces {
  size_t room;   // from one piece of a slot to the next
  size_t chunk;  // bytes of a piece

  Pieces(const Engine& engine, const Operation& op)
      : room(engine.piece_bytes()), chunk(MovedChunkBytes(op.bytes(), room)) {}
  [[nodiscard]] size_t begin_of(int rank) const { return static_cast<size_t>(rank) * room; }
};

// Starts the copies of bytes [begin, begin + bytes) of every other rank's part into their pieces.
Status StageOtherParts(const Engine& engine, Moves& moves, const Operation& op,
                       const Pieces& pieces, std::byte* slot, size_t begin, size_t bytes) {
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    if (rank == engine.rank()) continue;
    FLEXMIG_RETURN_IF_ERROR(
        moves.In(slot + pieces.begin_of(rank), op.send + op.offset_of(rank) + begin, bytes));
  }
  return OkStatus();
}

}  // namespace

Status AllGatherMoved(Engine& engine, Moves& moves, const Operation& op) {
  FLEXMIG_RETURN_IF_ERROR(
      moves.Within(op.receive + op.offset_of(engine.rank()), op.send, op.bytes()));
  return MoveThroughSlots(
      engine, moves, op.bytes(), MovedChunkBytes(op.bytes(), engine.slot_bytes()), kEveryone,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        return moves.In(slot, op.send + begin, bytes);
      },
      [&](int rank, const std::byte* slot, size_t begin, size_t bytes) {
        return moves.Out(op.receive + op.offset_of(rank) + begin, slot, bytes);
      });
}

Status GatherMoved(Engine& engine, Moves& moves, const Operation& op) {
  const bool is_root = engine.rank() == op.root;
  if (is_root) {
    FLEXMIG_RETURN_IF_ERROR(moves.Within(op.receive + op.offset_of(op.root), op.send, op.bytes()));
  }
  const uint64_t sources = is_root ? ~(uint64_t{1} << op.root) : uint64_t{1} << engine.rank();
  return MoveThroughSlots(
      engine, moves, op.bytes(), MovedChunkBytes(op.bytes(), engine.slot_bytes()), sources,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        return moves.In(slot, op.send + begin, bytes);
      },
      [&](int rank, const std::byte* slot, size_t begin, size_t bytes) {
        return moves.Out(op.receive + op.offset_of(rank) + begin, slot, bytes);
      });
}

Status BroadcastMoved(Engine& engine, Moves& moves, const Operation& op) {
  if (engine.rank() == op.root) {
    FLEXMIG_RETURN_IF_ERROR(moves.Within(op.receive, op.send, op.bytes()));
  }
  return MoveThroughSlots(
      engine, moves, op.bytes(), MovedChunkBytes(op.bytes(), engine.slot_bytes()),
      uint64_t{1} << op.root,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        return moves.In(slot, op.send + begin, bytes);
      },
      [&](int, const std::byte* slot, size_t begin, size_t bytes) {
        return moves.Out(op.receive + begin, slot, bytes);
      });
}

Status ScatterMoved(Engine& engine, Moves& moves, const Operation& op) {
  const Pieces pieces(engine, op);
  if (engine.rank() == op.root) {
    FLEXMIG_RETURN_IF_ERROR(moves.Within(op.receive, op.send + op.offset_of(op.root), op.bytes()));
  }
  return MoveThroughSlots(
      engine, moves, op.bytes(), pieces.chunk, uint64_t{1} << op.root,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        return StageOtherParts(engine, moves, op, pieces, slot, begin, bytes);
      },
      [&](int, const std::byte* slot, size_t begin, size_t bytes) {
        return moves.Out(op.receive + begin, slot + pieces.begin_of(engine.rank()), bytes);
      });
}

Status AllToAllMoved(Engine& engine, Moves& moves, const Operation& op) {
  const Pieces pieces(engine, op);
  const size_t own = op.offset_of(engine.rank());
  FLEXMIG_RETURN_IF_ERROR(moves.Within(op.receive + own, op.send + own, op.bytes()));
  return MoveThroughSlots(
      engine, moves, op.bytes(), pieces.chunk, kEveryone,
      [&](std::byte* slot, size_t begin, size_t bytes) {
        return StageOtherParts(engine, moves, op, pieces, slot, begin, bytes);
      },
      [&](int rank, const std::byte* slot, size_t begin, size_t bytes) {
        return moves.Out(op.receive + op.offset_of(rank) + begin,
                         slot + pieces.begin_of(engine.rank()), bytes);
      });
}

}  // namespace flexmig::coll
