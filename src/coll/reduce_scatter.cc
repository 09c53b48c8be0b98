#include <algorithm>

#include "algorithms.h"
#include "owners.h"

namespace flexmig::coll {

Status ReduceScatterSmall(Engine& engine, const Operation& op) {
  const int own = engine.rank();
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(op.offset_of(engine.world_size())));
  WriteFactor(engine, op);
  WriteOtherParts(engine, op);
  engine.Announce();
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncements());
  Inputs inputs;
  ReadFactors(engine, op, inputs);
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    inputs.data[static_cast<size_t>(rank)] =
        (rank == own ? op.send : engine.small(rank)) + op.offset_of(own);
  }
  Reduce(engine, op, inputs, op.receive, op.count);
  engine.Complete();
  return OkStatus();
}

// A chunk holds a piece of every part, so that every rank has something to reduce.
Status ReduceScatterStaged(Engine& engine, const Operation& op) {
  using Stage = Engine::Stage;
  const int own = engine.rank();
  const int ranks = engine.world_size();
  const size_t room = engine.piece_bytes();
  const size_t piece = room / op.element;
  const size_t chunks = (op.count + piece - 1) / piece;
  const uint64_t first = engine.TakeSteps(chunks);
  const auto count_of = [&](size_t i) { return std::min(piece, op.count - i * piece); };
  const auto sent_to = [&](int rank, size_t i) {
    return op.send + (static_cast<size_t>(rank) * op.count + i * piece) * op.element;
  };
  Inputs inputs;
  ReadFactors(engine, op, inputs);

  for (size_t i = 0; i < chunks + 1; ++i) {
    if (i < chunks) {
      FLEXMIG_RETURN_IF_ERROR(engine.AwaitSlot(first + i));
      std::byte* slot = engine.SlotOf(own, first + i);
      for (int rank = 0; rank < ranks; ++rank) {
        if (rank == own) continue;
        reduce::CopyBytes(slot + static_cast<size_t>(rank) * room, sent_to(rank, i),
                          count_of(i) * op.element);
      }
      engine.Done(Stage::kStaged, first + i);
    }
    if (i == 0) continue;
    const size_t done = i - 1;
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitEveryone(Stage::kStaged, first + done));
    for (int rank = 0; rank < ranks; ++rank) {
      inputs.data[static_cast<size_t>(rank)] =
          rank == own ? sent_to(own, done)
                      : engine.SlotOf(rank, first + done) + static_cast<size_t>(own) * room;
    }
    Reduce(engine, op, inputs, op.receive + done * piece * op.element, count_of(done));
    engine.Done(Stage::kConsumed, first + done);
  }
  engine.Complete();
  return OkStatus();
}

Status ReduceScatterPulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  const Part own{static_cast<size_t>(engine.rank()) * op.count, op.count};
  FLEXMIG_RETURN_IF_ERROR(PullAndReduce(engine, op, peers, own, op.receive));
  return engine.CompleteTogether();
}

Status ReduceScatterShared(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  Inputs inputs;
  ReadFactors(engine, op, inputs);
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    inputs.data[static_cast<size_t>(rank)] = peers.send(rank) + op.offset_of(engine.rank());
  }
  Reduce(engine, op, inputs, op.receive, op.count);
  return engine.CompleteTogether();
}

}  // namespace flexmig::coll
