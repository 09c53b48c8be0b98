#include <algorithm>

#include "algorithms.h"
#include "owners.h"
#include "staged_copies.h"

namespace flexmig::coll {
namespace {

// The root reads the chunks of all others and reduces them into its buffer, while they stage the
// next ones: 1 round a chunk; N S read by the root.
Status ReduceByRoot(Engine& engine, const Operation& op) {
  using Stage = Engine::Stage;
  const size_t chunk = CopyChunkBytes(engine, op.bytes());
  const size_t chunks = (op.bytes() + chunk - 1) / chunk;
  const uint64_t first = engine.TakeSteps(chunks);
  Inputs inputs;
  ReadFactors(engine, op, inputs);
  for (size_t i = 0; i < chunks; ++i) {
    const size_t begin = i * chunk;
    const size_t bytes = std::min(chunk, op.bytes() - begin);
    if (engine.rank() != op.root) {
      FLEXMIG_RETURN_IF_ERROR(engine.AwaitSlot(first + i));
      reduce::CopyBytes(engine.SlotOf(engine.rank(), first + i), op.send + begin, bytes);
      engine.Done(Stage::kStaged, first + i);
    } else {
      FLEXMIG_RETURN_IF_ERROR(engine.AwaitEveryone(Stage::kStaged, first + i));
      for (int rank = 0; rank < engine.world_size(); ++rank) {
        inputs.data[static_cast<size_t>(rank)] =
            rank == op.root ? op.send + begin : engine.SlotOf(rank, first + i);
      }
      Reduce(engine, op, inputs, op.receive + begin, bytes / op.element);
    }
    engine.Done(Stage::kConsumed, first + i);
  }
  engine.Complete();
  return OkStatus();
}

}  // namespace

Status ReduceSmall(Engine& engine, const Operation& op) {
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(op.bytes()));
  if (engine.rank() != op.root) {
    WriteFactor(engine, op);
    reduce::CopyBytes(engine.small(engine.rank()), op.send, op.bytes());
    engine.Announce();
  } else {
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncements());
    Inputs inputs;
    ReadFactors(engine, op, inputs);
    for (int rank = 0; rank < engine.world_size(); ++rank) {
      inputs.data[static_cast<size_t>(rank)] = rank == op.root ? op.send : engine.small(rank);
    }
    Reduce(engine, op, inputs, op.receive, op.count);
  }
  engine.Complete();
  return OkStatus();
}

Status ReduceStaged(Engine& engine, const Operation& op) {
  // Up to here one rank that reduces alone costs less than moving parts of the result to it.
  constexpr int kRootAlone = 4;
  if (engine.world_size() <= kRootAlone) return ReduceByRoot(engine, op);
  return ReduceByOwners(engine, op, /*collects=*/engine.rank() == op.root);
}

Status ReducePulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  if (engine.rank() == op.root) {
    FLEXMIG_RETURN_IF_ERROR(PullAndReduce(engine, op, peers, {0, op.count}, op.receive));
  }
  return engine.CompleteTogether();
}

Status ReduceShared(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  const Part own = PartOf(engine.rank(), engine.world_size(), op.count, op.element);
  void* const out = peers.receive(op.root) + own.begin * op.element;
  return ReduceSharedPart(engine, op, peers, own, {&out, 1});
}

}  // namespace flexmig::coll
