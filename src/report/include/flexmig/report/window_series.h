#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "flexmig/report/sample.h"

namespace flexmig::report {

// The exact mean, least and largest value of a step function in each of some equal windows, whose
// width is a power of two and grows with the length of the function. What a chart shows: a mean
// that integrates to the truth and a band that hides no peak.
//
// The position is microseconds for time, slices for arrived demand. A value counts for the stretch
// on which it holds; one that is replaced at the position where it was set does not count.
// Memory: `limit` windows. Cost: O(windows touched) an Add. Threading: one owner.
class WindowSeries {
 public:
  struct Window {
    int64_t covered = 0;  // the width, but for the last window
    Quantities sum{};     // value x stretch
    Quantities least{};
    Quantities largest{};

    [[nodiscard]] double Mean(size_t quantity) const {
      return sum[quantity] / static_cast<double>(covered);
    }
  };

  // Positions begin at `origin`. REQUIRES: limit >= 2.
  WindowSeries(int64_t origin, size_t limit) : origin_(origin), last_(origin), limit_(limit) {}

  // From `position` on the values are these. REQUIRES: not before the position given last.
  void Add(int64_t position, const Quantities& values);
  // The values set last hold until `position`.
  void End(int64_t position);

  [[nodiscard]] int64_t origin() const { return origin_; }
  [[nodiscard]] int64_t width() const { return width_; }
  // Window i covers [origin + i x width, origin + (i + 1) x width). All have something covered.
  [[nodiscard]] const std::vector<Window>& windows() const { return windows_; }

 private:
  void Cover(int64_t until);
  void Double();

  int64_t origin_;
  int64_t last_;
  size_t limit_;
  int64_t width_ = 1;
  bool has_values_ = false;
  Quantities values_{};
  std::vector<Window> windows_;
};

}  // namespace flexmig::report
