#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "flexmig/base/status.h"

namespace flexmig::device_bench {

enum class Scheme {
  kHostReduced,  // DeviceCommunicator's all-reduce
  kRing,         // 2 (N - 1) rounds of messages to the next rank, as NCCL's ring moves them
};

struct Run {
  std::vector<std::string> leaves;  // of the ranks
  Scheme scheme = Scheme::kHostReduced;
  size_t bytes = 0;  // of each rank
  int repeats = 0;
};

struct Measured {
  double median_seconds = 0;  // of one all-reduce, until the last rank has its result
  double least_seconds = 0;
  uint64_t up_bytes = 0;  // over the GPU's link, for one all-reduce
  uint64_t down_bytes = 0;
};

// Starts a process for each rank and measures. The environment names the simulated node.
Result<Measured> Measure(const Run& run);

}  // namespace flexmig::device_bench
