#include "thresholds.h"

#include <algorithm>

#include <fmt/format.h>

#include "flexmig/base/strings.h"

namespace flexmig::perf {

namespace {

constexpr double kTie = 1.05;

uint64_t FitSmall(std::span<const AlgorithmTimes> times) {
  uint64_t end = 0;
  for (const AlgorithmTimes& at : times) {
    if (at.small_us > kTie * std::min(at.staged_us, at.pulled_us)) break;
    if (at.small_us == AlgorithmTimes::kNotMeasured) break;
    end = at.bytes;
  }
  return end;
}

std::optional<TunedThresholds::Range> FitPulled(std::span<const AlgorithmTimes> times,
                                                uint64_t small_end) {
  size_t best_begin = 0;
  size_t best_length = 0;
  size_t length = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    const bool pulls = times[i].bytes > small_end && times[i].pulled_us * kTie < times[i].staged_us;
    length = pulls ? length + 1 : 0;
    if (length > best_length) {
      best_length = length;
      best_begin = i + 1 - length;
    }
  }
  if (best_length == 0) return std::nullopt;
  TunedThresholds::Range range{times[best_begin].bytes, times[best_begin + best_length - 1].bytes};
  // No sizes between both ranges that are neither.
  if (best_begin > 0 && times[best_begin - 1].bytes == small_end) range.begin = small_end + 1;
  return range;
}

std::optional<uint64_t> FitShared(std::span<const AlgorithmTimes> times) {
  std::optional<uint64_t> begin;
  for (size_t i = times.size(); i-- > 0;) {
    const AlgorithmTimes& at = times[i];
    if (at.shared_us == AlgorithmTimes::kNotMeasured) break;
    if (at.shared_us > kTie * std::min({at.small_us, at.staged_us, at.pulled_us})) break;
    begin = i == 0 ? 0 : at.bytes;
  }
  return begin;
}

}  // namespace

TunedThresholds FitThresholds(std::span<const AlgorithmTimes> times) {
  TunedThresholds fit;
  fit.small_end = FitSmall(times);
  fit.pulled = FitPulled(times, fit.small_end);
  fit.shared_begin = FitShared(times);
  return fit;
}

std::string SelectionLine(std::string_view collective, int ranks, bool crowded,
                          const TunedThresholds& thresholds) {
  const auto& pulled = thresholds.pulled;
  const auto& shared = thresholds.shared_begin;
  return fmt::format("{:<15} {:>5} {:<10} {:>10} {:>13} {:>11} {:>13}\n", collective, ranks,
                     crowded ? "crowded" : "roomy", thresholds.small_end,
                     pulled ? StrCat(pulled->begin) : "-", pulled ? StrCat(pulled->end) : "-",
                     shared ? StrCat(*shared) : "-");
}

}  // namespace flexmig::perf
