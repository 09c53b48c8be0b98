#pragma once

#include <cstdint>
#include <vector>

#include "flexmig/shm/segment.h"

namespace flexmig::coll {

// A counter of the segment, by what its rank raises it for.
enum class Word {
  kAnnouncement,
  kStaged,
  kReduced,
  kConsumed,
  kCompleted,
  kWritten,  // of the channel to the rank that waits
  kTaken,    // of the channel from the rank that waits
};

// What a rank waits for: that `peer` raises its `word` to `target`. A rank that waits long says so
// in its block, so that the others can tell it from the one that keeps all of them waiting.
struct Waiting {
  int peer = 0;
  Word word = Word::kAnnouncement;
  uint64_t target = 0;  // below 2^53; for an announcement, the number of its call
};

// `rank` is the one that waits.
[[nodiscard]] shm::Counter& CounterOf(const shm::Segment& segment, int rank,
                                      const Waiting& waiting);

// Says in the rank's block that it waits, for as long as this object is there. From Say on; says
// nothing else until then. Threading: one owner.
class SaidWaiting {
 public:
  explicit SaidWaiting(shm::RankBlock& own_block) : own_block_(own_block) {}
  ~SaidWaiting();
  SaidWaiting(const SaidWaiting&) = delete;
  SaidWaiting& operator=(const SaidWaiting&) = delete;

  void Say(const Waiting& waiting);

 private:
  shm::RankBlock& own_block_;
  uint64_t said_ = 0;
};

// One rank that waits, and for what.
struct WaitLink {
  int rank = 0;
  Waiting waiting;
};

// From `own`, which waits, to a rank that does not wait for anybody, or whose wait is over and who
// still does not go on: the peer of the last link keeps all before it waiting. Only the first link
// if the ranks wait for each other in a circle. O(world size).
std::vector<WaitLink> FollowWaits(const shm::Segment& segment, const WaitLink& own);

}  // namespace flexmig::coll
