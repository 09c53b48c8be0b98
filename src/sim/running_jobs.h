#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"
#include "flexmig/mig/inventory.h"
#include "flexmig/sched/time.h"
#include "flexmig/sim/communication.h"
#include "flexmig/sim/scheme.h"

namespace flexmig::sim {

// How far the running jobs are, and when each will end. Where ranks share links, or jobs over nodes
// share networks, a job's speed changes whenever one that shares something with it starts or ends.
//
// Remaining work is kept as a product of microseconds and millionths, in whole numbers, so that no
// change of speed loses any. Threading: thread-compatible.
class RunningJobs {
 public:
  // When a job will end if nothing changes. An end with an older version than the job's last one
  // is void.
  struct End {
    size_t job;
    uint32_t version;
    sched::TimePoint time;
  };

  // `inventory` must outlive this object.
  RunningJobs(const mig::NodeInventory& inventory, const Communication& communication);

  // The job runs from now on, `run.setup` later in fact. Returns its end, and those that change
  // because of it, by job. The reference is valid until the next call.
  // Errors: kInvalidArgument if an end is later than 2^62 microseconds.
  // Cost: O(1); with links, O(jobs on the GPUs of the job), and on its nodes if they are several.
  Result<const std::vector<End>*> Start(size_t job, sched::TimePoint now, const JobRun& run,
                                        sched::Duration duration, const alloc::Allocation& leaves);
  // Whether this end is still the job's.
  [[nodiscard]] bool IsCurrent(const End& end) const;
  // The job has ended. Returns the ends that change because of it.
  Result<const std::vector<End>*> Finish(size_t job, sched::TimePoint now);

 private:
  __extension__ using Wide = __int128;
  struct OnGpu {
    size_t gpu;
    int ranks;
  };
  struct Job {
    Wide work = 0;           // left at `since`
    sched::TimePoint since;  // may lie ahead: the job is being set up
    int64_t compute_speed = 0;
    int64_t speed = 0;
    Communication::Shares shares;
    uint32_t version = 0;
    std::vector<OnGpu> gpus;    // empty if it does not exchange data over shared links
    std::vector<size_t> nodes;  // empty if it does not exchange data over nodes
  };

  [[nodiscard]] int64_t SpeedOf(size_t index, const Job& job) const;
  // What it sends through the network of each of its nodes in a step, in millionths of a gradient.
  [[nodiscard]] static int64_t GradientsOf(const Job& job);
  // What is in the way of the job's exchange.
  [[nodiscard]] Communication::Load LoadOf(size_t index, const Job& job) const;
  // Enters the job where it exchanges data.
  void Place(size_t index, Job& job, const alloc::Allocation& leaves);
  // Sets the job's speed and appends its end to ends_.
  Status SetSpeed(size_t index, Job& job, sched::TimePoint now, int64_t speed);
  // The jobs but `without` that share a GPU or a network with `job`, whose speed is then looked at
  // again.
  Status UpdateNeighbours(const Job& job, size_t without, sched::TimePoint now);

  const mig::NodeInventory& inventory_;
  const Communication communication_;
  std::unordered_map<size_t, Job> jobs_;
  std::vector<std::vector<size_t>> on_gpu_;   // communicating jobs by GPU
  std::vector<std::vector<size_t>> on_node_;  // those over several nodes, by node
  std::vector<End> ends_;
};

}  // namespace flexmig::sim
