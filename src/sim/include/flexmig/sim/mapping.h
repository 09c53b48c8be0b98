#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/random.h"
#include "flexmig/base/status.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/sched/time.h"
#include "flexmig/sim/speed_model.h"
#include "flexmig/trace/job_record.h"

namespace flexmig::sim {

// A trace's job, in terms of one board.
struct WorkloadJob {
  trace::TraceJobId id;
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
    // As kFraction, but a job of exactly one GPU asks for the slices of the smallest instance that
    // holds its memory (mem_gib_if_known), of the least memory that the board offers with so many
    // slices. Its duration_s is taken to be the run time on the whole-GPU instance, as MISO's are.
    kModelMemory,
  };
  Kind kind = Kind::kFraction;
  std::vector<int64_t> weights;  // kSeededMix: weights[k] for k slices, weights[0] is 0
  uint64_t seed = 1;             // of the draws

  // "fraction", "seeded-mix:1=40/2=30/7=30" or "model-memory". Errors: kNotFound for another name,
  // kInvalidArgument for weights that are malformed, all zero, or of more slices than the board
  // has.
  static Result<Mapping> Parse(std::string_view text, const mig::GpuModel& model, uint64_t seed);
  [[nodiscard]] std::string Describe(const mig::GpuModel& model) const;
};

// The job in terms of the board. `random` is drawn from by kSeededMix only.
// Errors: kInvalidArgument, under kModelMemory, for a job of one GPU whose memory is not known or
// that no instance holds.
Result<WorkloadJob> MapJob(const trace::JobRecord& record, const Mapping& mapping,
                           const mig::GpuModel& model, const SpeedModel& speeds,
                           SplitMix64& random);

}  // namespace flexmig::sim
