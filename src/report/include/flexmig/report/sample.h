#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "flexmig/sched/time.h"

namespace flexmig::report {

// What a time series is made of. Values hold from one sample's time until the next one's.
enum class Quantity : size_t {
  kRunningJobs,
  kWaitingJobs,
  kHeldSlices,        // compute slices of the leaves that jobs hold
  kAskedSlices,       // of them, what the jobs had asked for; the rest is lost to rounding
  kFreeSlices,        // what could be given out: not held, in service, in a legal instance
  kGpusOutOfService,  // being reconfigured
  kFragmentation,   // share of the free slices that a random request cannot use, 0 if none is free
  kUnusableSlices,  // the same as a number of slices
};
inline constexpr size_t kQuantities = 8;

// Column names, in the order of the enumeration; docs/formats/simulation-output.md.
inline constexpr std::array<std::string_view, kQuantities> kQuantityNames = {
    "running_jobs", "waiting_jobs",        "held_slices",   "asked_slices",
    "free_slices",  "gpus_out_of_service", "fragmentation", "unusable_slices"};

using Quantities = std::array<double, kQuantities>;

struct Sample {
  sched::TimePoint time;
  Quantities values{};

  [[nodiscard]] double operator[](Quantity quantity) const {
    return values[static_cast<size_t>(quantity)];
  }
  friend bool operator==(const Sample&, const Sample&) = default;
};

}  // namespace flexmig::report
