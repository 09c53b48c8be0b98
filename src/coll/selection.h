#pragma once

#include <array>
#include <cstdint>

#include "call.h"

namespace flexmig::coll {

// Up to which sizes which algorithm moves one collective, in bytes of the larger of its buffers on
// one rank (all parts together). Ends are inclusive; a range whose end is below its begin is empty.
struct Thresholds {
  uint64_t small_end = 0;     // ...Small, as far as a slot suffices
  uint64_t pulled_begin = 1;  // ...Pulled on ordinary buffers, where processes can read each other
  uint64_t pulled_end = 0;
  uint64_t shared_begin = 0;  // ...Shared and ...Pulled on shared buffers
};

struct SelectionTable {
  static constexpr int kRows = 9;  // collectives kAllReduce .. kAllToAll
  std::array<Thresholds, kRows> rows;

  [[nodiscard]] Thresholds& For(Collective collective) {
    return rows[static_cast<size_t>(collective)];
  }
  [[nodiscard]] const Thresholds& For(Collective collective) const {
    return rows[static_cast<size_t>(collective)];
  }
};

// What rank 0 has chosen for all ranks: part of the segment's settings.
struct Selection {
  SelectionTable roomy;    // a processor for each rank
  SelectionTable crowded;  // fewer: each round of waiting is a round of the scheduler
};

enum class Algorithm : uint8_t { kSmall, kStaged, kPulled, kShared };

struct SelectionFacts {
  uint64_t bytes = 0;         // as in Thresholds
  uint64_t staged_bytes = 0;  // what ...Small would put into a slot
  uint64_t slot_bytes = 0;
  bool buffers_shared = false;  // those that ...Shared or ...Pulled touch, on all ranks
  bool can_read_across = false;
};

// A pure function: ranks that know the same choose the same. kSmall does not depend on what only
// announcements tell (`buffers_shared`).
[[nodiscard]] constexpr Algorithm Select(const Thresholds& thresholds,
                                         const SelectionFacts& facts) {
  if (facts.bytes <= thresholds.small_end && facts.staged_bytes <= facts.slot_bytes) {
    return Algorithm::kSmall;
  }
  if (facts.buffers_shared && facts.bytes >= thresholds.shared_begin) return Algorithm::kShared;
  if (facts.can_read_across && facts.bytes >= thresholds.pulled_begin &&
      facts.bytes <= thresholds.pulled_end) {
    return Algorithm::kPulled;
  }
  return Algorithm::kStaged;
}

// What was measured for this many ranks (docs/results/collectives.md).
[[nodiscard]] Selection DefaultSelection(int world_size);

}  // namespace flexmig::coll
