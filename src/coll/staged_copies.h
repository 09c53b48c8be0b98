#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "flexmig/base/status.h"

#include "engine.h"
#include "operation.h"

namespace flexmig::coll {

// Moves `bytes` of every sending rank through the slots, in chunks: `stage(i, slot, begin, count)`
// writes bytes [begin, begin + count) of this rank into its slot, if `sends`; then, with all of
// `sources` (bit r: rank r) staged, `take(rank, slot, begin, count)` reads them from each source
// but this rank. Staging runs one chunk ahead of taking. Completes the call.
template <typename StageFn, typename TakeFn>
Status CopyThroughSlots(Engine& engine, size_t bytes, size_t chunk_bytes, uint64_t sources,
                        const StageFn& stage, const TakeFn& take) {
  using Stage = Engine::Stage;
  const int own = engine.rank();
  const size_t chunks = (bytes + chunk_bytes - 1) / chunk_bytes;
  const uint64_t first = engine.TakeSteps(chunks);
  const bool sends = (sources >> own & 1) != 0;
  const auto count_of = [&](size_t i) { return std::min(chunk_bytes, bytes - i * chunk_bytes); };
  // A rank that only sends runs ahead as far as the slots allow.
  for (size_t i = 0; i < chunks + 1; ++i) {
    if (sends && i < chunks) {
      FLEXMIG_RETURN_IF_ERROR(engine.AwaitSlot(first + i));
      stage(engine.SlotOf(own, first + i), i * chunk_bytes, count_of(i));
      engine.Done(Stage::kStaged, first + i);
    }
    if (i == 0) continue;
    const size_t done = i - 1;
    for (int rank = 0; rank < engine.world_size(); ++rank) {
      if (rank == own || (sources >> rank & 1) == 0) continue;
      FLEXMIG_RETURN_IF_ERROR(engine.AwaitRank(rank, Stage::kStaged, first + done));
      take(rank, engine.SlotOf(rank, first + done), done * chunk_bytes, count_of(done));
    }
    engine.Done(Stage::kConsumed, first + done);
  }
  engine.Complete();
  return OkStatus();
}

// Small chunks fill the pipeline sooner; large ones need fewer rounds. Of a message of `bytes` an
// eighth, within 8 KiB and a slot, in whole lines; a slot if rounds are dear.
[[nodiscard]] inline size_t CopyChunkBytes(const Engine& engine, size_t bytes) {
  constexpr size_t kLeast = 8 << 10;
  if (engine.crowded()) return engine.slot_bytes();
  const size_t eighth = (bytes / 8 + shm::kLineBytes - 1) / shm::kLineBytes * shm::kLineBytes;
  return std::min(engine.slot_bytes(), std::max(kLeast, eighth));
}

}  // namespace flexmig::coll
