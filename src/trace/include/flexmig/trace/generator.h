#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::trace {

// A size and how often it occurs relative to the others.
struct SizeWeight {
  int64_t demand_micro_gpus = 0;
  int64_t weight = 0;

  friend bool operator==(const SizeWeight&, const SizeWeight&) = default;
};

// The sizes of the GPU jobs with at most one GPU in Alibaba's openb sample of 2023, each rounded up
// to a seventh of a GPU and written as two decimals, in percent. kOpenb: all 6,129 of the default
// list. kOpenbShared: the 5,891 of the list in which every job shares a GPU.
std::vector<SizeWeight> OpenbSizes();
std::vector<SizeWeight> OpenbSharedSizes();

// What a made-up trace looks like.
struct GeneratorOptions {
  int64_t jobs = 200;
  uint64_t seed = 1;
  // Arrivals are a Poisson process: gaps are exponential with this mean. The first job comes at 0.
  sched::Duration mean_gap = std::chrono::seconds(60);
  // Durations are log-normal: median * e^(sigma * z). 1.2 is narrower than production (ln(p95 /
  // median) / 1.645 is 1.8 in Philly and 2.0 in openb), because with 1.8 the longest of a few
  // hundred jobs alone decides the makespan.
  sched::Duration median = std::chrono::minutes(10);
  double sigma = 1.2;
  std::vector<SizeWeight> sizes = OpenbSizes();
};

// "jobs=200,seed=1,gap=60s,median=10min,sigma=1.2,sizes=0.14:1/0.28:4/1:2", each part optional;
// sizes also takes the names openb and openb-shared. Errors: kInvalidArgument, naming the part.
Result<GeneratorOptions> ParseGeneratorOptions(std::string_view text);

// The options as ParseGeneratorOptions reads them, all parts written out.
std::string DescribeGeneratorOptions(const GeneratorOptions& options);

// Equal options give equal records on every platform: SplitMix64 and elementary functions of our
// own stand behind it, not the C library's. Ids count from 1; durations are at least 1 s and end at
// kMaxSeconds. Errors: kInvalidArgument for options out of range.
Result<std::vector<JobRecord>> Generate(const GeneratorOptions& options);

}  // namespace flexmig::trace
