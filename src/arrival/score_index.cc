#include "flexmig/arrival/score_index.h"

#include <bit>

#include "flexmig/base/check.h"

namespace flexmig::arrival {

namespace {

constexpr size_t kWordBits = 64;

// The position of set bit number `nth`, counted from 0. REQUIRES: there are more.
int NthSetBit(std::span<const uint64_t> words, int nth) {
  for (size_t w = 0; w < words.size(); ++w) {
    const int ones = std::popcount(words[w]);
    if (nth >= ones) {
      nth -= ones;
      continue;
    }
    uint64_t word = words[w];
    for (; nth > 0; --nth) word &= word - 1;
    return static_cast<int>(w * kWordBits) + std::countr_zero(word);
  }
  FLEXMIG_CHECK(false);
}

}  // namespace

ScoreIndex::ScoreIndex(std::span<const NodeState> nodes, std::span<const PodDemand> demands,
                       const NodePolicy& policy)
    : nodes_(nodes),
      demands_(demands),
      policy_(policy),
      words_((nodes.size() + kWordBits - 1) / kWordBits),
      buckets_(demands.size()),
      updated_(nodes.size()) {}

std::optional<int> ScoreIndex::Best(size_t demand, SplitMix64& random) {
  Buckets& buckets = buckets_[demand];
  Update(buckets, demands_[demand]);
  for (size_t score = kMaxScore + 1; score-- > 0;) {
    const int size = buckets.sizes[score];
    if (size == 0) continue;
    int nth = 0;
    if (policy_.draws_among_equals()) {
      nth = static_cast<int>(random.NextBelow(static_cast<uint64_t>(size)));
    }
    return NthSetBit(std::span(buckets.bits).subspan(score * words_, words_), nth);
  }
  return std::nullopt;
}

void ScoreIndex::Update(Buckets& buckets, const PodDemand& demand) {
  if (buckets.scores.empty()) {
    buckets.bits.resize((kMaxScore + 1) * words_);
    buckets.scores.resize(nodes_.size(), -1);
    for (size_t node = 0; node < nodes_.size(); ++node) {
      Move(buckets, node, ScoreOf(node, demand));
    }
  } else {
    ++update_;
    for (size_t i = buckets.changes_seen; i < changes_.size(); ++i) {
      const auto node = static_cast<size_t>(changes_[i]);
      if (updated_[node] == update_) continue;
      updated_[node] = update_;
      // What did not fit before does not fit now.
      if (buckets.scores[node] >= 0) Move(buckets, node, ScoreOf(node, demand));
    }
  }
  buckets.changes_seen = changes_.size();
}

int ScoreIndex::ScoreOf(size_t node, const PodDemand& demand) const {
  if (!Fits(nodes_[node], demand)) return -1;
  const int score = policy_.Score(nodes_[node], demand);
  FLEXMIG_CHECK(score >= 0 && score <= kMaxScore);
  return score;
}

void ScoreIndex::Move(Buckets& buckets, size_t node, int score) {
  const uint64_t bit = uint64_t{1} << (node % kWordBits);
  const auto flip = [&](int bucket, int change) {
    if (bucket < 0) return;
    buckets.bits[static_cast<size_t>(bucket) * words_ + node / kWordBits] ^= bit;
    buckets.sizes[static_cast<size_t>(bucket)] += change;
  };
  flip(buckets.scores[node], -1);
  flip(score, 1);
  buckets.scores[node] = static_cast<int8_t>(score);
}

}  // namespace flexmig::arrival
