#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flexmig::perf {

// How long one collective took for one size with each algorithm forced, in microseconds.
struct AlgorithmTimes {
  static constexpr double kNotMeasured = std::numeric_limits<double>::infinity();

  uint64_t bytes = 0;  // as in Point
  // On ordinary buffers.
  double small_us = kNotMeasured;
  double staged_us = kNotMeasured;
  double pulled_us = kNotMeasured;
  // On registered ones.
  double shared_us = kNotMeasured;
};

// One line of a selection file (docs/formats/selection.md).
struct TunedThresholds {
  struct Range {
    uint64_t begin;
    uint64_t end;
    friend bool operator==(const Range&, const Range&) = default;
  };

  uint64_t small_end = 0;
  std::optional<Range> pulled;
  std::optional<uint64_t> shared_begin;
  friend bool operator==(const TunedThresholds&, const TunedThresholds&) = default;
};

// The thresholds that follow from `times`, which are in ascending order of bytes; by the rules of
// docs/reference/hsm-perf.md under "Tuning". Times within 5 % of each other count as equal, since
// medians of different runs differ by as much; small and shared win such a tie, for they copy less,
// and pulled loses it, for it needs the kernel.
[[nodiscard]] TunedThresholds FitThresholds(std::span<const AlgorithmTimes> times);

// "all_reduce 4 roomy 16384 1048576 8388608 0", in columns.
[[nodiscard]] std::string SelectionLine(std::string_view collective, int ranks, bool crowded,
                                        const TunedThresholds& thresholds);

}  // namespace flexmig::perf
