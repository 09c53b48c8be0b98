#include "owners.h"

#include <algorithm>

namespace flexmig::coll {
namespace {

// What is pulled at once: large against the microsecond of a system call, small against the caches.
constexpr size_t kPullBytes = 64 << 10;

// The steps of one call, in chunks of at most a slot.
class Chunks {
 public:
  Chunks(Engine& engine, const Operation& op)
      : chunk_(engine.slot_bytes() / op.element),
        count_(op.count),
        chunks_((op.count + chunk_ - 1) / chunk_),
        first_(engine.TakeSteps(chunks_)) {}

  [[nodiscard]] size_t size() const { return chunks_; }
  [[nodiscard]] uint64_t step(size_t i) const { return first_ + i; }
  [[nodiscard]] size_t begin(size_t i) const { return i * chunk_; }  // in elements
  [[nodiscard]] size_t count(size_t i) const { return std::min(chunk_, count_ - i * chunk_); }

 private:
  size_t chunk_;
  size_t count_;
  size_t chunks_;
  uint64_t first_;
};

}  // namespace

Status ReduceByOwners(Engine& engine, const Operation& op, bool collects) {
  using Stage = Engine::Stage;
  const int own_rank = engine.rank();
  const int ranks = engine.world_size();
  const Chunks chunks(engine, op);
  Inputs inputs;
  ReadFactors(engine, op, inputs);

  const auto stage = [&](size_t i) -> Status {
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitSlot(chunks.step(i)));
    const Part own = PartOf(own_rank, ranks, chunks.count(i), op.element);
    const std::byte* from = op.send + chunks.begin(i) * op.element;
    std::byte* to = engine.SlotOf(own_rank, chunks.step(i));
    // Its own part a rank reads where it is.
    const size_t behind = own.begin + own.count;
    reduce::CopyBytes(to, from, own.begin * op.element);
    reduce::CopyBytes(to + behind * op.element, from + behind * op.element,
                      (chunks.count(i) - behind) * op.element);
    engine.Done(Stage::kStaged, chunks.step(i));
    return OkStatus();
  };
  const auto reduce = [&](size_t i) -> Status {
    FLEXMIG_RETURN_IF_ERROR(engine.AwaitEveryone(Stage::kStaged, chunks.step(i)));
    const Part own = PartOf(own_rank, ranks, chunks.count(i), op.element);
    for (int rank = 0; rank < ranks; ++rank) {
      inputs.data[static_cast<size_t>(rank)] =
          rank == own_rank ? op.send + (chunks.begin(i) + own.begin) * op.element
                           : engine.SlotOf(rank, chunks.step(i)) + own.begin * op.element;
    }
    // For the others, and for this rank while the block is in the first-level cache.
    std::byte* const slot = engine.SlotOf(own_rank, chunks.step(i)) + own.begin * op.element;
    std::byte* const receive = op.receive + (chunks.begin(i) + own.begin) * op.element;
    void* const outs[] = {slot, receive};
    ReduceToAll(engine, op, inputs, {outs, collects ? size_t{2} : size_t{1}}, own.count);
    engine.Done(Stage::kReduced, chunks.step(i));
    return OkStatus();
  };
  const auto collect = [&](size_t i) -> Status {
    if (collects) {
      FLEXMIG_RETURN_IF_ERROR(engine.AwaitEveryone(Stage::kReduced, chunks.step(i)));
      for (int owner = 0; owner < ranks; ++owner) {
        if (owner == own_rank) continue;
        const Part part = PartOf(owner, ranks, chunks.count(i), op.element);
        reduce::CopyBytes(op.receive + (chunks.begin(i) + part.begin) * op.element,
                          engine.SlotOf(owner, chunks.step(i)) + part.begin * op.element,
                          part.count * op.element);
      }
    }
    engine.Done(Stage::kConsumed, chunks.step(i));
    return OkStatus();
  };

  for (size_t i = 0; i < chunks.size() + 2; ++i) {
    if (i < chunks.size()) FLEXMIG_RETURN_IF_ERROR(stage(i));
    if (i >= 1 && i - 1 < chunks.size()) FLEXMIG_RETURN_IF_ERROR(reduce(i - 1));
    if (i >= 2) FLEXMIG_RETURN_IF_ERROR(collect(i - 2));
  }
  engine.Complete();
  return OkStatus();
}

Status ReduceSharedPart(Engine& engine, const Operation& op, const PeerBuffers& peers, Part part,
                        std::span<void* const> outs) {
  Inputs inputs;
  ReadFactors(engine, op, inputs);
  const auto ranks = static_cast<size_t>(engine.world_size());
  for (size_t rank = 0; rank < ranks; ++rank) {
    inputs.data[rank] = peers.send(static_cast<int>(rank)) + part.begin * op.element;
  }
  ReduceToAll(engine, op, inputs, outs, part.count);
  return engine.CompleteTogether();
}

Status PullAndReduce(Engine& engine, const Operation& op, const PeerBuffers& peers, Part part,
                     std::byte* out) {
  const auto others = static_cast<size_t>(engine.world_size() - 1);
  const size_t room = engine.slots_per_rank() * engine.slot_bytes() / others;
  const size_t piece = std::min(kPullBytes, room / shm::kLineBytes * shm::kLineBytes);
  Inputs inputs;
  ReadFactors(engine, op, inputs);
  const size_t first = part.begin * op.element;
  for (size_t done = 0; done < part.count * op.element; done += piece) {
    const size_t bytes = std::min(piece, part.count * op.element - done);
    std::byte* scratch = engine.SlotOf(engine.rank(), 0);
    for (int rank = 0; rank < engine.world_size(); ++rank) {
      auto& input = inputs.data[static_cast<size_t>(rank)];
      input = op.send + first + done;
      if (rank == engine.rank()) continue;
      FLEXMIG_RETURN_IF_ERROR(peers.Pull(rank, first + done, scratch, bytes));
      input = scratch;
      scratch += piece;
    }
    Reduce(engine, op, inputs, out + done, bytes / op.element);
  }
  return OkStatus();
}

}  // namespace flexmig::coll
