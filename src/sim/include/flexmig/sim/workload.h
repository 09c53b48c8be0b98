#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/sched/time.h"
#include "flexmig/sim/speed_model.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::sim {

// A trace's job, in terms of one board.
struct WorkloadJob {
  JobId id;  // the trace's number
  sched::TimePoint submit_time;
  sched::Duration duration{};   // as the trace has it, on the GPUs that it says
  int64_t reference_speed = 0;  // the speed at which `duration` was measured
  int whole_gpus = 1;           // GPUs it needs if nobody shares one
  int slices = 1;  // compute slices asked for; more than one GPU's only if it spans GPUs
};

// How a job's GPUs become compute slices. Traces of whole-GPU jobs say nothing about MIG sizes: any
// mapping is an assumption.
struct Mapping {
  enum class Kind {
    // ceil(gpu_demand x slices of the board); duration_s is taken to be the run time on those
    // slices, on a whole GPU with MIG off for a demand of one or more.
    kFraction,
    // As kFraction, but a job of exactly one GPU asks for a drawn number of slices instead. Its
    // duration_s stays the run time on a whole GPU with MIG off; on fewer slices it takes longer.
    kSeededMix,
  };
  Kind kind = Kind::kFraction;
  std::vector<int64_t> weights;  // kSeededMix: weights[k] for k slices, weights[0] is 0
  uint64_t seed = 1;             // of the draws

  // "fraction" or "seeded-mix:1=40/2=30/7=30". Errors: kNotFound for another name,
  // kInvalidArgument for weights that are malformed, all zero, or of more slices than the board
  // has.
  static Result<Mapping> Parse(std::string_view text, const mig::GpuModel& model, uint64_t seed);
  [[nodiscard]] std::string Describe(const mig::GpuModel& model) const;
};

enum class MultiGpuJobs {
  kLeaves,  // as many slices as its GPUs have
  kSkip,    // left out for every policy
};

struct WorkloadOptions {
  Mapping mapping;
  MultiGpuJobs multi_gpu = MultiGpuJobs::kLeaves;
  // Submit times move towards the first by one of these: until the offered load is `load`, or by
  // the factor `compress` (2 halves every gap). Not both.
  std::optional<double> load;
  std::optional<double> compress;
};

// What every policy of a comparison is given.
// Invariants: jobs are sorted by submit time, equal ones in the order of the trace; ids are unique.
struct Workload {
  std::vector<WorkloadJob> jobs;
  int64_t multi_gpu_left_out = 0;
  // Slice-seconds asked for per slice-second that the cluster has between the first and the last
  // submission; nullopt if these are at the same time.
  std::optional<double> offered_load;
  double compressed_by = 1;

  std::unordered_map<JobId, size_t> index;  // into jobs
};

// Errors: kInvalidArgument for options out of range, a load that cannot be reached because all jobs
// are submitted at once, records out of order or with one id twice, and no job left at all.
Result<Workload> MakeWorkload(std::span<const trace::JobRecord> records, const mig::GpuModel& model,
                              int gpu_count, const SpeedModel& speeds,
                              const WorkloadOptions& options);

}  // namespace flexmig::sim
