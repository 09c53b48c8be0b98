#include "flexmig/report/step_series.h"

#include <algorithm>

namespace flexmig::report {

namespace {

// Appends what stays of [first, last), the samples of one window, to `kept`.
void KeepExtremes(std::vector<Sample>::const_iterator first,
                  std::vector<Sample>::const_iterator last, std::vector<Sample>& kept) {
  if (last - first <= 2) {
    kept.insert(kept.end(), first, last);
    return;
  }
  std::array<std::vector<Sample>::const_iterator, StepSeries::kMinLimit> chosen;
  size_t count = 0;
  chosen[count++] = first;
  chosen[count++] = last - 1;
  for (size_t q = 0; q < kQuantities; ++q) {
    const auto [low, high] = std::pair(
        std::min_element(first, last,
                         [q](const auto& a, const auto& b) { return a.values[q] < b.values[q]; }),
        std::max_element(first, last,
                         [q](const auto& a, const auto& b) { return a.values[q] < b.values[q]; }));
    chosen[count++] = low;
    chosen[count++] = high;
  }
  std::sort(chosen.begin(), chosen.end());
  const auto end = std::unique(chosen.begin(), chosen.end());
  for (auto at = chosen.begin(); at != end; ++at) kept.push_back(**at);
}

}  // namespace

void StepSeries::Add(const Sample& sample) {
  if (!samples_.empty() && samples_.back().values == sample.values) {
    pending_ = sample;
    return;
  }
  pending_.reset();
  samples_.push_back(sample);
  // Twice the limit, so that a pass over all samples pays for as many new ones.
  if (samples_.size() >= 2 * limit_) Thin();
}

void StepSeries::End() {
  if (pending_) samples_.push_back(*pending_);
  pending_.reset();
  // Also what came after the last thinning, so that the rule holds for all windows alike.
  if (samples_.size() > limit_ || window_.count() > 0) Thin();
}

void StepSeries::Thin() {
  // What came since the last time may become few enough by the windows that there are.
  if (window_.count() > 0) KeepExtremesOfWindows();
  // From windows of a microsecond to one of the whole range it is 62 doublings at most; windows
  // nest, so what an earlier pass kept has the extremes of the larger windows, too.
  while (samples_.size() > limit_) {
    window_ = window_.count() == 0 ? sched::Duration(1) : 2 * window_;
    KeepExtremesOfWindows();
  }
}

void StepSeries::KeepExtremesOfWindows() {
  const sched::TimePoint start = samples_.front().time;
  std::vector<Sample> kept;
  for (auto first = samples_.cbegin(); first != samples_.cend();) {
    const auto index = (first->time - start) / window_;
    const auto last = std::find_if(first, samples_.cend(), [&](const Sample& sample) {
      return (sample.time - start) / window_ != index;
    });
    KeepExtremes(first, last, kept);
    first = last;
  }
  samples_ = std::move(kept);
}

}  // namespace flexmig::report
