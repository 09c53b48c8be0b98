#include "flexmig/report/window_series.h"

#include <algorithm>

namespace flexmig::report {

namespace {

// Adds what `other` covers to `window`.
void Merge(WindowSeries::Window& window, const WindowSeries::Window& other) {
  if (window.covered == 0) {
    window = other;
    return;
  }
  window.covered += other.covered;
  for (size_t q = 0; q < kQuantities; ++q) {
    window.sum[q] += other.sum[q];
    window.least[q] = std::min(window.least[q], other.least[q]);
    window.largest[q] = std::max(window.largest[q], other.largest[q]);
  }
}

}  // namespace

void WindowSeries::Add(int64_t position, const Quantities& values) {
  Cover(position);
  values_ = values;
  has_values_ = true;
}

void WindowSeries::End(int64_t position) { Cover(position); }

void WindowSeries::Cover(int64_t until) {
  if (!has_values_) values_ = {};
  while (until - origin_ > width_ * static_cast<int64_t>(limit_)) Double();
  while (last_ < until) {
    const int64_t index = (last_ - origin_) / width_;
    const int64_t end = std::min(until, origin_ + (index + 1) * width_);
    Window stretch{end - last_, {}, values_, values_};
    for (size_t q = 0; q < kQuantities; ++q) {
      stretch.sum[q] = values_[q] * static_cast<double>(stretch.covered);
    }
    if (windows_.size() <= static_cast<size_t>(index)) windows_.emplace_back();
    Merge(windows_[static_cast<size_t>(index)], stretch);
    last_ = end;
  }
}

void WindowSeries::Double() {
  width_ *= 2;
  for (size_t i = 0; i < windows_.size(); ++i) {
    if (i % 2 == 0) {
      windows_[i / 2] = windows_[i];
    } else {
      Merge(windows_[i / 2], windows_[i]);
    }
  }
  windows_.resize((windows_.size() + 1) / 2);
}

}  // namespace flexmig::report
