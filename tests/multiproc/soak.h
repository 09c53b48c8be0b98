#pragma once

#include <array>
#include <cstdint>

#include "collective_case.h"

namespace flexmig::coll {

inline constexpr int kMinSoakRanks = 2;
inline constexpr int kMaxSoakRanks = 5;

struct SoakOptions {
  int64_t seconds = 30;
  uint64_t seed = 0;
  int ranks = 0;  // 0: from the seed
};

// What rank 0 counts, in memory that the parent sees.
struct SoakCounters {
  uint64_t calls;
  uint64_t bytes;  // of rank 0's buffers
  std::array<uint64_t, kCollectives> by_collective;
  uint64_t exchanges;
  uint64_t all_to_all_vs;
  uint64_t splits;
  uint64_t moved;  // of all of these but splits, through a mover
};

// Random calls of one rank, each compared with what the oracle says, until rank 0's clock ends
// them. False if something was wrong, which has been printed. `counters` counts for rank 0.
bool Soak(Communicator& world, const SoakOptions& options, SoakCounters& counters);

}  // namespace flexmig::coll
