#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/sched/event_log.h"
#include "flexmig/sched/options.h"
#include "flexmig/sched/queue_policy.h"
#include "flexmig/sim/run_observer.h"
#include "flexmig/sim/scheme.h"
#include "flexmig/sim/workload.h"

namespace flexmig::sim {

// What became of one job.
struct JobOutcome {
  // False if the scheduler rejected it, because it could not run even on the empty cluster.
  bool done = false;
  int held_slices = 0;  // compute slices of the leaves it held
  sched::TimePoint start_time;
  sched::TimePoint finish_time;
  sched::TimePoint release_time;  // its leaves are free from then on

  friend bool operator==(const JobOutcome&, const JobOutcome&) = default;
};

// What became of a workload.
struct Outcome {
  std::vector<JobOutcome> jobs;  // in the order of the workload
  std::string first_rejection;   // why the first rejected job was, empty if none was
  int64_t reconfigurations = 0;
  sched::Duration reconfiguration_time{};  // GPUs out of service, summed
};

struct SimulationOptions {
  sched::SchedulerOptions scheduler = {};
  // Where all events and decisions of the scheduler are appended, if anywhere (sched/replay.h).
  sched::EventLog* event_log = nullptr;
  // A run that is not over by then is ended, if set: for searches that have found a shorter one.
  std::optional<sched::TimePoint> give_up_after = std::nullopt;
  std::vector<RunObserver*> observers = {};  // called in this order
};

// Replays the workload on the scheme's cluster: the scheduler with `queue_policy` decides, the
// scheme says on what. Event-driven, in whole microseconds, without a clock: equal inputs give
// equal outcomes. At equal times jobs end first, then GPUs come back, then jobs are submitted (in
// the order of the workload), then the scheduler decides once.
//
// Every run is checked: no memory slice of a GPU held twice or out of service, time monotone, the
// held slice-time summed along the time line equal to that summed over jobs, each job either done
// or rejected, each started once and its leaves freed once. A violation is a bug of ours:
// kInternal.
// Errors: kAborted after give_up_after; kInvalidArgument if times leave the range of microseconds
// in 63 bits; those of observers.
// Cost: O(n log n) for n jobs plus the allocation policy's. Memory: 40 bytes a job besides the
// workload's 40, and what the jobs need that wait or run.
Result<Outcome> Simulate(const Workload& workload, Scheme& scheme,
                         std::unique_ptr<sched::QueuePolicy> queue_policy,
                         const SimulationOptions& options = {});

}  // namespace flexmig::sim
