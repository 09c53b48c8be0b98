#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/sched/time.h"

namespace flexmig::sim {

// What real jobs cost on the machine at hand beside their computation, measured.
struct Calibration {
  struct Size {
    int leaves = 0;
    sched::Duration launch{};    // from a free node's `flexmig run` to the first step
    sched::Duration exchange{};  // of a step, after its computation
  };
  std::vector<Size> sizes;  // by leaves, rising; between them lie straight lines
  // From a job's last step until the launch of one that has waited for its leaves begins.
  sched::Duration handover{};

  // REQUIRES: sizes is not empty.
  [[nodiscard]] Size Of(int leaves) const;
};

// A short real job: so many steps of `step` computation each on so many leaves.
struct ShortJob {
  sched::Duration submit{};  // since the first one's
  int leaves = 1;
  int64_t steps = 1;
  sched::Duration step{};
};

// Jobs of 1 to 7 leaves and 0.4 to 2 s, at a load of 1.3 of `node_leaves`. Equal on every platform.
std::vector<ShortJob> MakeShortJobs(int count, uint64_t seed, int node_leaves);

// When a job's first step begins, and its last ends, since the first submission.
struct RunTimes {
  sched::Duration start{};
  sched::Duration finish{};
};

// What the simulator says of these jobs on a node of `gpus` flattened GPUs, under fifo and the
// allocation policy. Errors: those of Simulate; kInvalidArgument for a job wider than the node.
Result<std::vector<RunTimes>> PredictShortJobs(std::span<const ShortJob> jobs,
                                               const Calibration& calibration,
                                               const mig::GpuModel& model, int gpus,
                                               std::string_view allocation);

// The last finish.
sched::Duration MakespanOf(std::span<const RunTimes> times);

}  // namespace flexmig::sim
