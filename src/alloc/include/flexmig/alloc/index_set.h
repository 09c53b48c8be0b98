#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace flexmig::alloc {

// A set of whole numbers below a bound that finds its members in order: a tree of bits, 64 wide, of
// which a word tells which words below it are not empty. 3 levels hold 262,144 numbers.
//
// Cost: O(log64 bound) for every call, without allocation but in the constructor.
// Threading: thread-compatible.
class IndexSet {
 public:
  static constexpr int kNone = -1;

  // REQUIRES: 0 <= bound <= 2^24.
  explicit IndexSet(int bound = 0) : bound_(bound) {
    for (auto words = (static_cast<size_t>(bound) + 63) / 64;; words = (words + 63) / 64) {
      words_.resize(words_.size() + words);
      first_word_[++levels_] = static_cast<uint32_t>(words_.size());
      if (words <= 1) break;
    }
  }

  [[nodiscard]] int bound() const { return bound_; }
  [[nodiscard]] bool empty() const { return words_.empty() || words_.back() == 0; }

  // REQUIRES of all three: 0 <= number < bound.
  [[nodiscard]] bool Contains(int number) const {
    return (words_[static_cast<size_t>(number) / 64] >> (number % 64) & 1) != 0;
  }
  void Insert(int number) {
    auto at = static_cast<size_t>(number);
    for (size_t level = 0; level < levels_; ++level) {
      uint64_t& word = words_[first_word_[level] + at / 64];
      const uint64_t before = word;
      word |= uint64_t{1} << (at % 64);
      if (before != 0) return;
      at /= 64;
    }
  }
  void Erase(int number) {
    auto at = static_cast<size_t>(number);
    for (size_t level = 0; level < levels_; ++level) {
      uint64_t& word = words_[first_word_[level] + at / 64];
      word &= ~(uint64_t{1} << (at % 64));
      if (word != 0) return;
      at /= 64;
    }
  }

  // The smallest member that is at least `from`, kNone if there is none. REQUIRES: from >= 0.
  [[nodiscard]] int Next(int from) const {
    auto at = static_cast<size_t>(from);
    for (size_t level = 0; level < levels_; ++level) {
      const size_t index = first_word_[level] + at / 64;
      if (index >= first_word_[level + 1]) return kNone;
      const uint64_t rest = words_[index] >> (at % 64);
      if (rest == 0) {
        at = at / 64 + 1;
        continue;
      }
      at += static_cast<size_t>(std::countr_zero(rest));
      while (level > 0) {
        --level;
        at = at * 64 + static_cast<size_t>(std::countr_zero(words_[first_word_[level] + at]));
      }
      return static_cast<int>(at);
    }
    return kNone;
  }
  [[nodiscard]] int First() const { return Next(0); }

  // The largest member that is at most `from`, kNone if there is none. REQUIRES: from < bound.
  [[nodiscard]] int Previous(int from) const {
    int64_t at = from;
    for (size_t level = 0; level < levels_ && at >= 0; ++level) {
      const size_t index = first_word_[level] + static_cast<size_t>(at) / 64;
      const uint64_t rest = words_[index] << (63 - at % 64);
      if (rest == 0) {
        at = at / 64 - 1;
        continue;
      }
      at -= std::countl_zero(rest);
      while (level > 0) {
        --level;
        at = at * 64 + 63 - std::countl_zero(words_[first_word_[level] + static_cast<size_t>(at)]);
      }
      return static_cast<int>(at);
    }
    return kNone;
  }

 private:
  static constexpr size_t kMaxLevels = 4;

  std::vector<uint64_t> words_;  // the members first, the one word of the highest level last
  std::array<uint32_t, kMaxLevels + 1> first_word_{};  // of each level, and behind the last
  uint32_t levels_ = 0;
  int bound_;
};

}  // namespace flexmig::alloc
