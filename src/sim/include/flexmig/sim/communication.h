#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/base/units.h"
#include "flexmig/sched/time.h"

namespace flexmig::sim {

// What it costs a job that its ranks on several leaves exchange data. MIG does not divide a GPU's
// host link: all ranks on a GPU, of all jobs, share it.
struct Communication {
  enum class Kind {
    // One number for every job and every number of leaves.
    kEfficiency,
    // A step of training exchanges `gradient` bytes per rank through the host. It takes
    // `latency` + N x gradient / link, N the ranks that share the busiest link of the job's GPUs,
    // and hides behind computation up to `overlap` of the step.
    kLinks,
  };
  Kind kind = Kind::kEfficiency;

  // kEfficiency: the speed that is left, in millionths. An assumption: 0.9 is near gradient
  // exchange that is mostly overlapped; measured strong scaling of data-parallel training over
  // NVLink on two whole GPUs lies between 0.7 and 0.95.
  int64_t efficiency = 900'000;

  // kLinks. The defaults are a ResNet-50 in float32 with 128 images a step: 25.6 million
  // parameters, and 0.16 s a step on a whole A100 (assumptions).
  Bytes gradient = Bytes::Of(102'400'000);
  sched::Duration step = std::chrono::milliseconds(160);  // on an instance that takes the whole GPU
  // One direction of PCIe 4.0 x16 as copies reach it; both directions work at once.
  Bytes link_per_second = Bytes::Of(24'000'000'000);
  // Stages of an all-reduce of one byte through the host: an assumption.
  sched::Duration latency = std::chrono::microseconds(60);
  int64_t overlap = 500'000;  // millionths of the step; frameworks overlap all but the last bucket
  // A job on n nodes then sends 2 (n - 1) / n gradients through the network of each node, and
  // receives as many: a ring over the nodes, each with the sum of its ranks. All jobs on a node
  // that span nodes share its network. An assumption: 200 Gb/s a node, each way.
  Bytes network_per_second = Bytes::Of(25'000'000'000);

  // "none", "0.9", or "links" with any of ":gradient=102.4MB,step=160ms,link=24GB,latency=60us,
  // overlap=0.5,network=25GB" (link, network: bytes per second). Errors: kInvalidArgument quoting
  // the part.
  static Result<Communication> Parse(std::string_view text);
  // One line for the reader of a result.
  [[nodiscard]] std::string Describe() const;

  // What a step's exchange has to get through, with what other jobs add to it; all in millionths.
  struct Load {
    int64_t micro_ranks = 0;      // that share the busiest link of the job's GPUs
    int64_t micro_gradients = 0;  // through the busiest network of its nodes; 0 on one node
  };
  // What a job on so many nodes sends through the network of each in a step.
  [[nodiscard]] static int64_t MicroGradients(int nodes) { return 2'000'000 - 2'000'000 / nodes; }
  // The speed, in millionths, of a job that computes at `compute_speed` on several leaves.
  // REQUIRES: compute_speed > 0.
  [[nodiscard]] int64_t SpeedUnder(int64_t compute_speed, const Load& load) const;
  // The shares of its time, in millionths, for which such a job uses its links and its network
  // while nobody else does.
  struct Shares {
    int64_t links = 0;
    int64_t network = 0;
  };
  [[nodiscard]] Shares SharesOf(int64_t compute_speed, const Load& own) const;
};

}  // namespace flexmig::sim
