#include <algorithm>

#include "algorithms.h"
#include "owners.h"

namespace flexmig::coll {

Status AllReduceSmall(Engine& engine, const Operation& op) {
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitSmall(op.bytes()));
  WriteFactor(engine, op);
  reduce::CopyBytes(engine.small(engine.rank()), op.send, op.bytes());
  engine.Announce();
  FLEXMIG_RETURN_IF_ERROR(engine.AwaitAnnouncements());
  Inputs inputs;
  ReadFactors(engine, op, inputs);
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    inputs.data[static_cast<size_t>(rank)] = rank == engine.rank() ? op.send : engine.small(rank);
  }
  Reduce(engine, op, inputs, op.receive, op.count);
  engine.Complete();
  return OkStatus();
}

Status AllReduceStaged(Engine& engine, const Operation& op) {
  return ReduceByOwners(engine, op, /*collects=*/true);
}

Status AllReducePulled(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  const int ranks = engine.world_size();
  const auto part_of = [&](int rank) { return PartOf(rank, ranks, op.count, op.element); };
  const Part own = part_of(engine.rank());
  FLEXMIG_RETURN_IF_ERROR(
      PullAndReduce(engine, op, peers, own, op.receive + own.begin * op.element));
  // Steps that move nothing through the slots tell when everybody has reduced.
  const uint64_t step = engine.TakeSteps(1);
  engine.Done(Engine::Stage::kReduced, step);
  for (int i = 1; i < ranks; ++i) {
    const int rank = (engine.rank() + i) % ranks;
    const size_t begin = part_of(rank).begin * op.element;
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitRank(rank, Engine::Stage::kReduced, step));
    FLEXMIG_RETURN_IF_ERROR(
        peers.PullResult(rank, begin, op.receive + begin, part_of(rank).count * op.element));
  }
  return engine.CompleteTogether();
}

Status AllReduceShared(Engine& engine, const Operation& op, const PeerBuffers& peers) {
  const Part own = PartOf(engine.rank(), engine.world_size(), op.count, op.element);
  std::array<void*, shm::kMaxWorldSize> outs;
  for (int rank = 0; rank < engine.world_size(); ++rank) {
    outs[static_cast<size_t>(rank)] = peers.receive(rank) + own.begin * op.element;
  }
  // Its own copy first: it is read again for the others.
  std::swap(outs[0], outs[static_cast<size_t>(engine.rank())]);
  const auto ranks = static_cast<size_t>(engine.world_size());
  return ReduceSharedPart(engine, op, peers, own, {outs.data(), ranks});
}

}  // namespace flexmig::coll
