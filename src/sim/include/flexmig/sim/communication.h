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

  // "none", "0.9", or "links" with any of ":gradient=102.4MB,step=160ms,link=24GB,latency=60us,
  // overlap=0.5" (link: bytes per second). Errors: kInvalidArgument quoting the part.
  static Result<Communication> Parse(std::string_view text);
  // One line for the reader of a result.
  [[nodiscard]] std::string Describe() const;

  // The speed, in millionths, of a job that computes at `compute_speed` on several leaves, where
  // `micro_ranks` millionths of a rank share the busiest of its links. REQUIRES: compute_speed > 0.
  [[nodiscard]] int64_t SpeedUnder(int64_t compute_speed, int64_t micro_ranks) const;
  // The share of its time, in millionths, for which such a job uses its links while nobody else
  // does, with `ranks` on the busiest one.
  [[nodiscard]] int64_t LinkShareOf(int64_t compute_speed, int ranks) const;
};

}  // namespace flexmig::sim
