#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "flexmig/base/strong_id.h"
#include "flexmig/base/units.h"
#include "flexmig/sched/time.h"

namespace flexmig::trace {

// A job's number in its trace.
using TraceJobId = StrongId<struct TraceJobIdTag, int64_t>;

// Bounds of what a record may say; readers refuse more. 10^9 s are 31 years.
inline constexpr int64_t kMaxSeconds = 1'000'000'000;
inline constexpr int64_t kMaxGpus = 1'000'000;
inline constexpr int64_t kMaxMemoryGib = 1'000'000;

// One recorded job. Text that is not known is empty.
struct JobRecord {
  TraceJobId id;
  sched::TimePoint submit_time;
  sched::Duration duration{};     // on the GPUs asked for, without queueing
  int64_t demand_micro_gpus = 0;  // millionths: 0.46 of a GPU is 460000
  int num_gpus = 0;               // whole GPUs touched, 1 for a share of one
  std::optional<Bytes> memory;    // per GPU
  std::string user;
  std::string vc;  // virtual cluster, QoS class or model, as the source has it
  std::string status;

  friend bool operator==(const JobRecord&, const JobRecord&) = default;
};

}  // namespace flexmig::trace
