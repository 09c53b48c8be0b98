#include "yardsticks.h"

#include <algorithm>

#include <fmt/format.h>

namespace flexmig::perf {

namespace {

constexpr uint64_t kLarge = 8 << 20;  // from here on, memory decides

SeriesKey AllReduceOf(int ranks, bool in_place, bool back_to_back) {
  return {ranks, "all_reduce", "float32", in_place, back_to_back};
}

// A bandwidth that should reach `wanted` of `limit`, both in 10^9 bytes/s.
Yardstick Bandwidth(std::string what, double measured, double limit, double wanted) {
  return {std::move(what),
          fmt::format("{:.2f} GB/s", measured),
          fmt::format("{:.2f} GB/s", limit),
          fmt::format("{:.2f}", measured / limit),
          fmt::format("at least {:.2f}", wanted),
          measured >= wanted * limit ? Verdict::kPass : Verdict::kFallsShort};
}

// The lowest algorithm bandwidth of `library` from `min_bytes` on; 0 if it was not measured.
double LowestBandwidth(const Results& results, const SeriesKey& key, const std::string& library,
                       uint64_t min_bytes) {
  double lowest = 0;
  for (const uint64_t bytes : results.SizesOf(key)) {
    const auto best = results.Find(key, library, bytes);
    if (bytes < min_bytes || !best) continue;
    const double bandwidth = AlgorithmBandwidth(bytes, best->best_us);
    lowest = lowest == 0 ? bandwidth : std::min(lowest, bandwidth);
  }
  return lowest;
}

// With more ranks than cores, no small call may wait for a time slice of the kernel, as MPICH's do
// (4 ms): 20 us is twice what the slowest prototype's call took.
void AddSmallCallsOfFour(const Results& results, std::vector<Yardstick>& found) {
  constexpr double kMostUs = 20;
  double slowest_us = 0;
  std::string slowest;
  for (const SeriesKey& key : results.keys()) {
    if (key.ranks != 4 || key.back_to_back || key.fresh || key.type != "float32") continue;
    for (const uint64_t bytes : results.SizesOf(key)) {
      const auto best = results.Find(key, Results::kOurs, bytes);
      if (bytes > 2048 || !best || best->best_us <= slowest_us) continue;
      slowest_us = best->best_us;
      slowest = fmt::format("{} of {} B", key.collective, bytes);
    }
  }
  if (slowest_us == 0) return;
  found.push_back({fmt::format("slowest call of 4 ranks up to 2K ({})", slowest),
                   fmt::format("{:.1f} us", slowest_us), fmt::format("{:.0f} us", kMostUs),
                   fmt::format("{:.2f}", slowest_us / kMostUs), "at most 1.00",
                   slowest_us <= kMostUs ? Verdict::kPass : Verdict::kFallsShort});
}

}  // namespace

std::vector<Yardstick> HoldAgainstLimits(const Results& results) {
  std::vector<Yardstick> found;
  if (!results.limits()) return found;
  const Limits& limits = *results.limits();
  const SeriesKey tiny = AllReduceOf(2, false, true);
  if (const auto best = results.Find(tiny, Results::kOurs, 8); best && limits.line_one_way_us > 0) {
    const double distance = best->best_us / limits.line_one_way_us;
    found.push_back({"all_reduce of 8 B, 2 ranks, back to back; a cache line's way",
                     fmt::format("{:.3f} us", best->best_us),
                     fmt::format("{:.3f} us", limits.line_one_way_us),
                     fmt::format("{:.2f}", distance), "at most 1.40",
                     distance <= 1.4 ? Verdict::kPass : Verdict::kFallsShort});
  }
  // Out of place, each of two ranks moves as much as a copy of the vector by its core.
  const double copy_of_two = limits.copy_dram_gb_per_s[1];
  const auto add = [&](const char* what, bool in_place, const char* library, uint64_t min_bytes,
                       double limit, double wanted) {
    const double bandwidth =
        LowestBandwidth(results, AllReduceOf(2, in_place, false), library, min_bytes);
    if (bandwidth > 0 && limit > 0) found.push_back(Bandwidth(what, bandwidth, limit, wanted));
  };
  add("all_reduce from 8M, 2 ranks; half of what two cores copy", false, Results::kOurs, kLarge,
      copy_of_two / 2, 0.6);
  add("the same, registered", false, Results::kRegistered, kLarge, copy_of_two / 2, 0.95);
  add("the same, registered, in place, 128M; all that two cores copy", true, Results::kRegistered,
      128 << 20, copy_of_two, 0.95);
  AddSmallCallsOfFour(results, found);
  return found;
}

}  // namespace flexmig::perf
