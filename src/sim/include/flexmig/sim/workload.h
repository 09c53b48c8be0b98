#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/sched/time.h"
#include "flexmig/sim/mapping.h"
#include "flexmig/sim/resampling.h"
#include "flexmig/sim/speed_model.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::sim {

enum class MultiGpuJobs {
  kLeaves,  // as many slices as its GPUs have; a policy rejects what it can never run
  kFit,     // the same, and what needs more than `fit_gpus` is left out for every policy
  kSkip,    // left out for every policy
};
// "leaves", "fit", "skip". Errors: kInvalidArgument, listing the names.
Result<MultiGpuJobs> ParseMultiGpuJobs(std::string_view text);

struct WorkloadOptions {
  // Only jobs submitted from `from` on and before `until`, in the trace's time, which stays.
  std::optional<sched::Duration> from;
  std::optional<sched::Duration> until;
  Resampling resampling;  // of what is left
  Mapping mapping;
  MultiGpuJobs multi_gpu = MultiGpuJobs::kLeaves;
  std::optional<int> fit_gpus;  // of kFit: see MostGpus; all GPUs if it is not given
  // Submit times move towards the first by one of these: until the offered load is `load`, or by
  // the factor `compress` (2 halves every gap). Not both.
  std::optional<double> load;
  std::optional<double> compress;
};

// What every policy of a comparison is given.
// Invariants: jobs are sorted by submit time, equal ones in the order of the trace; ids are unique.
struct Workload {
  std::vector<WorkloadJob> jobs;
  int64_t outside_window = 0;
  int64_t multi_gpu_left_out = 0;
  // Slice-seconds asked for per slice-second that the cluster has between the first and the last
  // submission; nullopt if these are at the same time.
  std::optional<double> offered_load;
  double compressed_by = 1;
};

// Errors: those of MapJob; kInvalidArgument for options out of range, a load that cannot be reached
// because all jobs are submitted at once, records out of order or with one id twice, and no job
// left at all.
Result<Workload> MakeWorkload(std::span<const trace::JobRecord> records, const mig::GpuModel& model,
                              int gpu_count, const SpeedModel& speeds,
                              const WorkloadOptions& options);

}  // namespace flexmig::sim
