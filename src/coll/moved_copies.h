#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "flexmig/base/status.h"

#include "engine.h"
#include "moves.h"

namespace flexmig::coll {

// CopyThroughSlots (staged_copies.h) with copies that are started and done later:
// `stage(slot, begin, bytes)` starts those of bytes [begin, begin + bytes) of this rank into its
// slot, if it is one of `sources`; `take(rank, slot, begin, bytes)` starts those out of the slot of
// each source but this rank. While chunk i is taken, chunks i + 1 and i + 2 are on their way in.
// Completes the call when all copies are done. Costs a round for each chunk in flight.
template <typename StageFn, typename TakeFn>
Status MoveThroughSlots(Engine& engine, Moves& moves, size_t bytes, size_t chunk_bytes,
                        uint64_t sources, const StageFn& stage, const TakeFn& take) {
  using Stage = Engine::Stage;
  constexpr size_t kAhead = 2;
  const int own = engine.rank();
  const size_t chunks = (bytes + chunk_bytes - 1) / chunk_bytes;
  const uint64_t first = engine.TakeSteps(chunks);
  const bool sends = (sources >> own & 1) != 0 && engine.world_size() > 1;
  const auto count_of = [&](size_t i) { return std::min(chunk_bytes, bytes - i * chunk_bytes); };
  const auto take_all = [&](size_t i) -> Status {
    // Who waits for a slot must not be waited for; and two chunks on their way out are enough.
    if (i >= kAhead) FLEXMIG_RETURN_IF_ERROR(moves.AwaitConsumed(first + i - kAhead));
    for (int turn = 1; turn < engine.world_size(); ++turn) {
      // From the next rank on: whose chunk is there first is likely to differ.
      const int rank = (own + turn) % engine.world_size();
      if ((sources >> rank & 1) == 0) continue;
      FLEXMIG_RETURN_IF_ERROR(engine.AwaitRank(rank, Stage::kStaged, first + i));
      FLEXMIG_RETURN_IF_ERROR(
          take(rank, engine.SlotOf(rank, first + i), i * chunk_bytes, count_of(i)));
    }
    return moves.ConsumeWhenDone(first + i);
  };
  for (size_t i = 0; i < chunks + kAhead; ++i) {
    if (sends && i < chunks) {
      FLEXMIG_RETURN_IF_ERROR(moves.AwaitSlot(first + i));
      FLEXMIG_RETURN_IF_ERROR(stage(engine.SlotOf(own, first + i), i * chunk_bytes, count_of(i)));
      FLEXMIG_RETURN_IF_ERROR(moves.StageWhenDone(first + i));
    }
    if (sends && i >= 1 && i - 1 < chunks) {
      FLEXMIG_RETURN_IF_ERROR(moves.AwaitStaged(first + i - 1));
    }
    if (i >= kAhead) FLEXMIG_RETURN_IF_ERROR(take_all(i - kAhead));
  }
  FLEXMIG_RETURN_IF_ERROR(moves.AwaitOuts());
  engine.Complete();
  return OkStatus();
}

// A fourth of a message fills the pipeline; below some 128 KiB a copy's own cost (a few
// microseconds in the driver, for each piece) would be felt. At most `room`, in whole lines. No GPU
// was at hand when this was chosen: it is reckoned, not measured.
[[nodiscard]] inline size_t MovedChunkBytes(size_t bytes, size_t room) {
  constexpr size_t kLeast = 128 << 10;
  const size_t fourth = (bytes / 4 + shm::kLineBytes - 1) / shm::kLineBytes * shm::kLineBytes;
  return std::min(room, std::max(kLeast, fourth));
}

}  // namespace flexmig::coll
