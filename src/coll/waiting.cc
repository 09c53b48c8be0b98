#include "waiting.h"

#include <optional>

namespace flexmig::coll {
namespace {

// In a rank block: 0 if the rank says nothing; else, from the lowest bit, the peer (7 bits), 1 +
// the word (4 bits) and the target.
constexpr int kPeerBits = 7;
constexpr int kWordBits = 4;

uint64_t Encode(const Waiting& waiting) {
  return (waiting.target << kWordBits | (static_cast<uint64_t>(waiting.word) + 1)) << kPeerBits |
         static_cast<uint64_t>(waiting.peer);
}

std::optional<Waiting> Decode(uint64_t said) {
  if (said == 0) return std::nullopt;
  const uint64_t word = (said >> kPeerBits) % (1 << kWordBits) - 1;
  return Waiting{static_cast<int>(said % (1 << kPeerBits)), static_cast<Word>(word),
                 said >> (kPeerBits + kWordBits)};
}

}  // namespace

shm::Counter& CounterOf(const shm::Segment& segment, int rank, const Waiting& waiting) {
  shm::RankBlock& block = segment.rank_block(waiting.peer);
  switch (waiting.word) {
    case Word::kAnnouncement:
      return block.announcements[waiting.target % shm::kAnnouncementsPerRank].call;
    case Word::kStaged: return block.staged;
    case Word::kReduced: return block.reduced;
    case Word::kConsumed: return block.consumed;
    case Word::kCompleted: return block.completed;
    case Word::kWritten: return segment.channel(waiting.peer, rank).written;
    case Word::kTaken: break;
  }
  return segment.channel(rank, waiting.peer).taken;
}

SaidWaiting::~SaidWaiting() {
  if (said_ != 0) own_block_.waits_for.store(0, std::memory_order_relaxed);
}

void SaidWaiting::Say(const Waiting& waiting) {
  const uint64_t said = Encode(waiting);
  if (said == said_) return;
  said_ = said;
  own_block_.waits_for.store(said, std::memory_order_relaxed);
}

std::vector<WaitLink> FollowWaits(const shm::Segment& segment, const WaitLink& own) {
  std::vector<WaitLink> links{own};
  for (int hop = 1; hop < segment.geometry().world_size; ++hop) {
    const int rank = links.back().waiting.peer;
    const std::optional<Waiting> next =
        Decode(segment.rank_block(rank).waits_for.load(std::memory_order_relaxed));
    if (!next.has_value()) return links;
    const uint64_t reached = CounterOf(segment, rank, *next).value.load(std::memory_order_acquire);
    if (reached >= next->target) return links;
    links.push_back({rank, *next});
  }
  return {own};
}

}  // namespace flexmig::coll
