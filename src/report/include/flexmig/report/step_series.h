#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "flexmig/report/sample.h"

namespace flexmig::report {

// A step function of time in bounded memory, thinned so that no extreme is lost.
//
// Up to `limit` samples all are kept. Beyond that time is cut into windows of 2^k microseconds from
// the first sample on, k as small as doubling finds, and of each window only these samples stay:
// the first, the last, and for each quantity the earliest with its smallest and the earliest with
// its largest value. Each is as it was, none is averaged.
//
// Memory: 2 x limit samples. Cost: O(1) a sample, amortised. Threading: one owner.
class StepSeries {
 public:
  // One window's samples have to fit.
  static constexpr size_t kMinLimit = 2 + 2 * kQuantities;

  // REQUIRES: limit >= kMinLimit.
  explicit StepSeries(size_t limit) : limit_(limit) {}

  // A sample that says the same as the one before is left out. REQUIRES: later than the one before.
  void Add(const Sample& sample);
  // Ends the series: the last sample is kept even if it says nothing new.
  void End();

  // At most `limit` after End. Sorted by time.
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  // Zero if nothing was left out.
  [[nodiscard]] sched::Duration window() const { return window_; }

 private:
  void Thin();
  void KeepExtremesOfWindows();

  size_t limit_;
  std::vector<Sample> samples_;
  std::optional<Sample> pending_;  // the last one, if it said nothing new
  sched::Duration window_{};
};

}  // namespace flexmig::report
