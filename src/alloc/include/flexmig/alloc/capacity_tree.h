#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace flexmig::alloc {

// Finds the lowest node that can give so many leaves: a tree of maxima over the nodes, 8 wide,
// for kLanes measures of capacity at once.
//
// Cost: O(log8 nodes) for Set and Lowest, without allocation.
// Threading: thread-compatible.
class CapacityTree {
 public:
  static constexpr size_t kLanes = 8;
  static constexpr int kNone = -1;
  using Lanes = std::array<int32_t, kLanes>;

  // All zero. REQUIRES: nodes >= 1.
  explicit CapacityTree(int nodes) {
    for (auto size = static_cast<size_t>(nodes);; size = (size + kWidth - 1) / kWidth) {
      levels_.emplace_back(size, Lanes{});
      if (size <= kWidth) break;
    }
    levels_.emplace_back(1, Lanes{});
  }

  [[nodiscard]] const Lanes& At(int node) const { return levels_[0][static_cast<size_t>(node)]; }
  // Of each lane, over all nodes.
  [[nodiscard]] const Lanes& Max() const { return levels_.back()[0]; }

  void Set(int node, const Lanes& lanes) {
    auto at = static_cast<size_t>(node);
    if (levels_[0][at] == lanes) return;
    levels_[0][at] = lanes;
    for (size_t level = 1; level < levels_.size(); ++level) {
      at /= kWidth;
      const Lanes max = MaxOfBlock(levels_[level - 1], at);
      if (max == levels_[level][at]) return;
      levels_[level][at] = max;
    }
  }

  // The lowest node that is at least `from` and has at least `least` in `lane`, or kNone.
  [[nodiscard]] int Lowest(int from, size_t lane, int least) const {
    auto at = static_cast<size_t>(from);
    for (size_t level = 0; level < levels_.size(); ++level) {
      const auto& here = levels_[level];
      const size_t end = std::min(here.size(), (at / kWidth + 1) * kWidth);
      while (at < end && here[at][lane] < least) ++at;
      if (at < end) return Descend(level, at, lane, least);
      if (at >= here.size()) return kNone;  // the blocks above hold nothing further on either
      at /= kWidth;
    }
    return kNone;
  }

 private:
  static constexpr size_t kWidth = 8;

  static Lanes MaxOfBlock(const std::vector<Lanes>& level, size_t block) {
    Lanes max = level[block * kWidth];
    const size_t end = std::min(level.size(), (block + 1) * kWidth);
    for (size_t i = block * kWidth + 1; i < end; ++i) {
      for (size_t lane = 0; lane < kLanes; ++lane) {
        max[lane] = std::max(max[lane], level[i][lane]);
      }
    }
    return max;
  }

  [[nodiscard]] int Descend(size_t level, size_t at, size_t lane, int least) const {
    while (level > 0) {
      --level;
      at *= kWidth;
      while (levels_[level][at][lane] < least) ++at;  // one of the block does
    }
    return static_cast<int>(at);
  }

  std::vector<std::vector<Lanes>> levels_;  // the nodes first, one maximum last
};

}  // namespace flexmig::alloc
