#include "curve.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::char_lm {
namespace {

constexpr size_t kLabelWidth = 8;

std::string RightAligned(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

// Means of `columns` runs of neighbours whose lengths differ by one at most.
std::vector<double> Means(std::span<const double> values, size_t columns) {
  std::vector<double> means;
  for (size_t i = 0; i < columns; ++i) {
    const size_t begin = i * values.size() / columns;
    const size_t end = (i + 1) * values.size() / columns;
    const auto part = values.subspan(begin, end - begin);
    means.push_back(std::accumulate(part.begin(), part.end(), 0.0) /
                    static_cast<double>(part.size()));
  }
  return means;
}

}  // namespace

std::string DrawCurve(std::span<const double> losses, size_t columns, size_t rows) {
  FLEXMIG_CHECK(!losses.empty() && columns >= 20 && rows >= 2);
  const auto means = Means(losses, std::min(columns, losses.size()));
  const auto [low, high] = std::ranges::minmax(means);
  const double range = high > low ? high - low : 1;
  const auto last_row = static_cast<double>(rows - 1);
  std::vector<std::string> lines(rows, std::string(means.size(), ' '));
  for (size_t i = 0; i < means.size(); ++i) {
    lines[static_cast<size_t>(std::lround((high - means[i]) / range * last_row))][i] = '*';
  }
  std::string out = "loss [nats/char]\n";
  for (size_t row = 0; row < rows; ++row) {
    // Every third row has a number, and the last.
    std::string label;
    if (row % 3 == 0 || row + 1 == rows) {
      label = FormatFixed(high - range * static_cast<double>(row) / last_row, 2);
    }
    lines[row].erase(lines[row].find_last_not_of(' ') + 1);
    out += StrCat(RightAligned(label, kLabelWidth), " |", lines[row], "\n");
  }
  const std::string last = StrCat("step ", losses.size());
  out += StrCat(std::string(kLabelWidth, ' '), " +", std::string(columns, '-'), "\n");
  out += StrCat(std::string(kLabelWidth, ' '), "  1",
                RightAligned(last, std::max(means.size(), last.size() + 2) - 1), "\n");
  return out;
}

}  // namespace flexmig::char_lm
