#include <algorithm>

#include "algorithms.h"
#include "moved_copies.h"

// The collectives that reduce, on buffers that a Mover reaches. As the processor cannot read them,
// each rank stages all of its contribution, its own part too.
namespace flexmig::coll {
namespace {

// ReduceByOwners (owners.h) with copies that are started and done later: while chunk i is copied
// out, chunk i + 1 is reduced and chunk i + 2 copied in. 2 rounds a chunk.
Status MoveByOwners(Engine& engine, Moves& moves, const Operation& op, bool collects) {
  using Stage = Engine::Stage;
  const int own_rank = engine.rank();
  const int ranks = engine.world_size();
  const size_t chunk = MovedChunkBytes(op.bytes(), engine.slot_bytes());
  const size_t chunks = (op.bytes() + chunk - 1) / chunk;
  const uint64_t first = engine.TakeSteps(chunks);
  const auto bytes_of = [&](size_t i) { return std::min(chunk, op.bytes() - i * chunk); };
  const auto part_of = [&](int owner, size_t i) {
    return PartOf(owner, ranks, bytes_of(i) / op.element, op.element);
  };
  Inputs inputs;
  ReadFactors(engine, op, inputs);

  const auto stage = [&](size_t i) -> Status {
    FLEXMIG_RETURN_IF_ERROR(moves.AwaitSlot(first + i));
    FLEXMIG_RETURN_IF_ERROR(
        moves.In(engine.SlotOf(own_rank, first + i), op.send + i * chunk, bytes_of(i)));
    return moves.StageWhenDone(first + i);
  };
  const auto reduce = [&](size_t i) -> Status {
    FLEXMIG_RETURN_IF_ERROR(moves.AwaitStaged(first + i));
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitEveryone(Stage::kStaged, first + i));
    const Part own = part_of(own_rank, i);
    for (int rank = 0; rank < ranks; ++rank) {
      inputs.data[static_cast<size_t>(rank)] =
          engine.SlotOf(rank, first + i) + own.begin * op.element;
    }
    std::byte* const result = engine.SlotOf(own_rank, first + i) + own.begin * op.element;
    Reduce(engine, op, inputs, result, own.count);
    engine.Done(Stage::kReduced, first + i);
    return OkStatus();
  };
  const auto collect = [&](size_t i) -> Status {
    for (int turn = 0; collects && turn < ranks; ++turn) {
      // Its own part first, which is there, and then not all from the same rank at the same time.
      const int owner = (own_rank + turn) % ranks;
      if (owner != own_rank) {
        FLEXMIG_RETURN_IF_ERROR(engine.AwaitRank(owner, Stage::kReduced, first + i));
      }
      const Part part = part_of(owner, i);
      FLEXMIG_RETURN_IF_ERROR(moves.Out(op.receive + i * chunk + part.begin * op.element,
                                        engine.SlotOf(owner, first + i) + part.begin * op.element,
                                        part.count * op.element));
    }
    return moves.ConsumeWhenDone(first + i);
  };

  for (size_t i = 0; i < chunks + 2; ++i) {
    if (i < chunks) FLEXMIG_RETURN_IF_ERROR(stage(i));
    if (i >= 1 && i - 1 < chunks) FLEXMIG_RETURN_IF_ERROR(reduce(i - 1));
    if (i >= 2) FLEXMIG_RETURN_IF_ERROR(collect(i - 2));
  }
  FLEXMIG_RETURN_IF_ERROR(moves.AwaitOuts());
  engine.Complete();
  return OkStatus();
}

}  // namespace

Status AllReduceMoved(Engine& engine, Moves& moves, const Operation& op) {
  return MoveByOwners(engine, moves, op, /*collects=*/true);
}

Status ReduceMoved(Engine& engine, Moves& moves, const Operation& op) {
  return MoveByOwners(engine, moves, op, /*collects=*/engine.rank() == op.root);
}

// A chunk holds a piece of every part, so that every rank has something to reduce: into its own
// piece of its own slot, which nobody else reads.
Status ReduceScatterMoved(Engine& engine, Moves& moves, const Operation& op) {
  using Stage = Engine::Stage;
  const int own = engine.rank();
  const int ranks = engine.world_size();
  const size_t room = engine.piece_bytes();
  const size_t piece = MovedChunkBytes(op.bytes(), room);
  const size_t chunks = (op.bytes() + piece - 1) / piece;
  const uint64_t first = engine.TakeSteps(chunks);
  const auto bytes_of = [&](size_t i) { return std::min(piece, op.bytes() - i * piece); };
  const auto slot_of = [&](int rank, size_t i) { return engine.SlotOf(rank, first + i); };
  Inputs inputs;
  ReadFactors(engine, op, inputs);

  for (size_t i = 0; i < chunks + 1; ++i) {
    if (i < chunks) {
      FLEXMIG_RETURN_IF_ERROR(moves.AwaitSlot(first + i));
      for (int rank = 0; rank < ranks; ++rank) {
        FLEXMIG_RETURN_IF_ERROR(moves.In(slot_of(own, i) + static_cast<size_t>(rank) * room,
                                         op.send + op.offset_of(rank) + i * piece, bytes_of(i)));
      }
      FLEXMIG_RETURN_IF_ERROR(moves.StageWhenDone(first + i));
    }
    if (i == 0) continue;
    const size_t done = i - 1;
    FLEXMIG_RETURN_IF_ERROR(moves.AwaitStaged(first + done));
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitEveryone(Stage::kStaged, first + done));
    for (int rank = 0; rank < ranks; ++rank) {
      inputs.data[static_cast<size_t>(rank)] =
          slot_of(rank, done) + static_cast<size_t>(own) * room;
    }
    std::byte* const result = slot_of(own, done) + static_cast<size_t>(own) * room;
    Reduce(engine, op, inputs, result, bytes_of(done) / op.element);
    FLEXMIG_RETURN_IF_ERROR(moves.Out(op.receive + done * piece, result, bytes_of(done)));
    FLEXMIG_RETURN_IF_ERROR(moves.ConsumeWhenDone(first + done));
  }
  FLEXMIG_RETURN_IF_ERROR(moves.AwaitOuts());
  engine.Complete();
  return OkStatus();
}

}  // namespace flexmig::coll
