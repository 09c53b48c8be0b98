#pragma once

#include <chrono>
#include <string>

#include <nlohmann/json.hpp>

#include "flexmig/base/status.h"

namespace flexmig::perf {

// What bounds every library on this machine. Bandwidths are payload (bytes copied once count
// once), in 10^9 bytes/s; two threads: both together. Zero where there is but one CPU.
struct Limits {
  double line_one_way_us = 0;         // a cache line from one process to another
  double copy_l2_gb_per_s[2] = {};    // by one and by two threads; 256 KiB from, 256 KiB to
  double copy_l3_gb_per_s[2] = {};    // 4 MiB
  double copy_dram_gb_per_s[2] = {};  // 64 MiB; memcpy or a plain loop, whichever is faster
};

// Takes about seven times `time`. Errors: as ErrnoError's of fork and mmap; kAborted.
Result<Limits> MeasureLimits(std::chrono::nanoseconds time);

// A table.
[[nodiscard]] std::string LimitsText(const Limits& limits);

[[nodiscard]] nlohmann::json ToJson(const Limits& limits);
// Errors: kInvalidArgument naming the field.
Result<Limits> LimitsFromJson(const nlohmann::json& json);

}  // namespace flexmig::perf
