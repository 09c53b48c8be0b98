#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "flexmig/alloc/index_set.h"
#include "flexmig/mig/inventory.h"

namespace flexmig::alloc {

// GPUs by which of their leaves are free: those of equal layout and equal free leaves have the same
// pattern. For policies that look at places on a GPU, not only at counts.
//
// Cost: O(log64 G) for Update of one of G GPUs once the pattern has been seen. An A100 in 1g leaves
// has 128 patterns. Threading: thread-compatible.
class PatternIndex {
 public:
  static constexpr int kNone = -1;

  // The free leaves of one profile; positions are among the leaves of the GPU, kNone: none is free.
  struct Taking {
    int lowest = kNone;
    int sparing = kNone;  // without it the largest run of free memory slices is largest
    int run_after = 0;    // then
  };
  struct Pattern {
    uint64_t free = 0;           // bit i: leaf i of the GPU is free
    int free_slices = 0;         // memory slices that free leaves cover
    int largest_run = 0;         // of adjacent ones
    std::vector<Taking> taking;  // by the profile's index
  };

  // The leaves of a GPU as the pattern sees them, in the inventory's order; at most 64.
  struct LeafPlace {
    mig::Placement placement;
    int profile = 0;  // index

    friend bool operator==(const LeafPlace&, const LeafPlace&) = default;
  };
  using GpuLayout = std::vector<LeafPlace>;

  // All GPUs without a free leaf.
  PatternIndex(const std::vector<GpuLayout>& layouts, int profile_count);

  void Update(int gpu, uint64_t free);

  [[nodiscard]] int pattern_of(int gpu) const { return at_[static_cast<size_t>(gpu)]; }
  [[nodiscard]] const Pattern& pattern(int id) const { return patterns_[static_cast<size_t>(id)]; }
  // Patterns that GPUs have, and the GPUs of one; from `from` on, kNone at the end.
  [[nodiscard]] int NextPattern(int from) const { return live_.Next(from); }
  [[nodiscard]] int NextGpu(int pattern, int from) const {
    return gpus_[static_cast<size_t>(pattern)].Next(from);
  }
  // The pattern without one leaf, computed, not looked up. O(leaves of a GPU).
  [[nodiscard]] Pattern Without(int gpu, const Pattern& pattern, int leaf) const;

 private:
  // The pattern that the GPU has with these leaves free, seen before or not.
  int PatternOf(int gpu, uint64_t free);
  // Adds the pattern, which is new.
  int Add(int layout, uint64_t free);
  [[nodiscard]] Pattern Describe(const GpuLayout& layout, uint64_t free) const;

  std::vector<GpuLayout> layouts_;  // distinct ones
  std::vector<int> layout_of_;      // by GPU
  size_t profile_count_;
  // By layout: pattern by free leaves; by_mask for layouts of few leaves, where it is an index.
  struct Known {
    std::vector<int> by_mask;
    std::unordered_map<uint64_t, int> others;
  };
  std::vector<Known> known_;
  std::vector<Pattern> patterns_;
  std::vector<IndexSet> gpus_;  // by pattern
  IndexSet live_;
  std::vector<int> at_;  // by GPU
};

}  // namespace flexmig::alloc
