#include "flexmig/alloc/pattern_index.h"

#include <algorithm>
#include <bit>

#include "flexmig/base/check.h"

namespace flexmig::alloc {

namespace {

// A table of 2^10 patterns is 4 KiB.
constexpr size_t kIndexedLeaves = 10;

size_t At(int index) { return static_cast<size_t>(index); }

// The memory slices under the free leaves. Boards have at most 12.
uint64_t SlicesUnder(const PatternIndex::GpuLayout& layout, uint64_t free) {
  uint64_t slices = 0;
  for (; free != 0; free &= free - 1) {
    const mig::Placement place = layout[At(std::countr_zero(free))].placement;
    slices |= ((uint64_t{1} << place.size) - 1) << place.start;
  }
  return slices;
}

int LargestRun(uint64_t slices) {
  int run = 0;
  for (; slices != 0; slices &= slices << 1) ++run;
  return run;
}

}  // namespace

int PatternIndex::Add(int layout, uint64_t free) {
  patterns_.push_back(Describe(layouts_[At(layout)], free));
  gpus_.emplace_back(static_cast<int>(layout_of_.size()));
  const auto count = static_cast<int>(patterns_.size());
  if (count > live_.bound()) {
    IndexSet larger(std::max(64, 2 * live_.bound()));
    for (int id = live_.First(); id != kNone; id = live_.Next(id + 1)) larger.Insert(id);
    live_ = std::move(larger);
  }
  return count - 1;
}

inline int PatternIndex::PatternOf(int gpu, uint64_t free) {
  const int layout = layout_of_[At(gpu)];
  Known& known = known_[At(layout)];
  if (!known.by_mask.empty()) {
    int& id = known.by_mask[free];
    if (id == kNone) id = Add(layout, free);
    return id;
  }
  const auto [entry, is_new] = known.others.try_emplace(free, kNone);
  if (is_new) entry->second = Add(layout, free);
  return entry->second;
}

PatternIndex::PatternIndex(const std::vector<GpuLayout>& layouts, int profile_count)
    : layout_of_(layouts.size()), profile_count_(At(profile_count)), at_(layouts.size()) {
  for (size_t gpu = 0; gpu < layouts.size(); ++gpu) {
    FLEXMIG_CHECK(layouts[gpu].size() <= 64);
    const auto same = std::find(layouts_.begin(), layouts_.end(), layouts[gpu]);
    layout_of_[gpu] = static_cast<int>(same - layouts_.begin());
    if (same == layouts_.end()) layouts_.push_back(layouts[gpu]);
  }
  for (const GpuLayout& layout : layouts_) {
    Known& known = known_.emplace_back();
    if (layout.size() <= kIndexedLeaves) known.by_mask.assign(size_t{1} << layout.size(), kNone);
  }
  for (size_t gpu = 0; gpu < layouts.size(); ++gpu) {
    at_[gpu] = PatternOf(static_cast<int>(gpu), 0);
    live_.Insert(at_[gpu]);
    gpus_[At(at_[gpu])].Insert(static_cast<int>(gpu));
  }
}

void PatternIndex::Update(int gpu, uint64_t free) {
  const int before = at_[At(gpu)];
  if (patterns_[At(before)].free == free) return;
  const int after = PatternOf(gpu, free);
  at_[At(gpu)] = after;
  gpus_[At(before)].Erase(gpu);
  if (gpus_[At(before)].empty()) live_.Erase(before);
  if (gpus_[At(after)].empty()) live_.Insert(after);
  gpus_[At(after)].Insert(gpu);
}

PatternIndex::Pattern PatternIndex::Without(int gpu, const Pattern& pattern, int leaf) const {
  return Describe(layouts_[At(layout_of_[At(gpu)])], pattern.free & ~(uint64_t{1} << leaf));
}

PatternIndex::Pattern PatternIndex::Describe(const GpuLayout& layout, uint64_t free) const {
  Pattern pattern;
  pattern.free = free;
  const uint64_t slices = SlicesUnder(layout, free);
  pattern.free_slices = std::popcount(slices);
  pattern.largest_run = LargestRun(slices);
  pattern.taking.resize(profile_count_);
  for (uint64_t rest = free; rest != 0; rest &= rest - 1) {
    const int leaf = std::countr_zero(rest);
    const int run = LargestRun(SlicesUnder(layout, free & ~(uint64_t{1} << leaf)));
    Taking& best = pattern.taking[At(layout[At(leaf)].profile)];
    if (best.lowest == kNone) best.lowest = leaf;
    if (best.sparing == kNone || run > best.run_after) {
      best.sparing = leaf;
      best.run_after = run;
    }
  }
  return pattern;
}

}  // namespace flexmig::alloc
