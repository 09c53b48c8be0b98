#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "flexmig/mig/gpu_model.h"
#include "flexmig/sched/time.h"
#include "flexmig/sim/scheme.h"
#include "flexmig/sim/simulator.h"
#include "flexmig/sim/workload.h"

namespace flexmig::sim {

// One policy's row. All but the counts are about the jobs that were done, and zero if none was.
struct Summary {
  std::string policy;
  Role role = Role::kReference;
  int64_t jobs_done = 0;
  int64_t jobs_left_out = 0;     // they could not run even on the empty cluster
  sched::Duration makespan{};    // last finish - first submit of the workload
  double mean_jct_s = 0;         // finish - submit
  sched::Duration median_jct{};  // nearest rank: the smallest value with half the jobs not above it
  sched::Duration p95_jct{};
  double mean_wait_s = 0;  // start - submit
  // Of the compute slices of all GPUs over the makespan: what jobs held, and what they asked for of
  // it. The difference is lost to rounding.
  double held_utilisation = 0;
  double asked_utilisation = 0;
  int64_t reconfigurations = 0;
  sched::Duration reconfiguration_time{};
  std::string first_rejection;
};

Summary Summarize(const Workload& workload, const Scheme& scheme, const Outcome& outcome,
                  const mig::GpuModel& model, int gpu_count);

// The baseline with the smallest makespan among those that did every job of the workload; nullptr
// if none did.
const Summary* BestBaseline(std::span<const Summary> summaries);

}  // namespace flexmig::sim
