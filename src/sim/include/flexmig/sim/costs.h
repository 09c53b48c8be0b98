#pragma once

#include <optional>
#include <span>
#include <string>

#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/layout.h"
#include "flexmig/sched/time.h"

namespace flexmig::sim {

// What it costs to change the layout of a GPU.
struct ReconfigurationCosts {
  // Per instance; nullopt for the measured ones of the board's family (FAR; driver calls on one GPU
  // are serialised, so a layout change costs the sum), by compute slices:
  //          create 1g 2g 3g 4g 7g              destroy
  //   A30    0.11 0.12 -    0.13 -     s        0.10 s
  //   A100   0.16 0.17 0.20 0.21 0.24  s        0.20 0.20 0.21 0.21 0.22 s
  //   H100   0.16 0.21 0.33 0.38 0.42  s        0.21 0.23 0.25 0.26 0.26 s
  // Boards newer than the H100 are given its values, an assumption.
  std::optional<sched::Duration> create;
  std::optional<sched::Duration> destroy;
  // Until services that watch the GPU have noticed: the measured outage of a warmed A100.
  sched::Duration service_restart = std::chrono::milliseconds(3600);

  // The time during which the GPU is out of service while `before` becomes `after`: instances at
  // the same place with the same profile stay. Zero if the layouts are equal. REQUIRES: both
  // sorted.
  [[nodiscard]] sched::Duration Between(const mig::GpuModel& model,
                                        std::span<const mig::PlacedProfile> before,
                                        std::span<const mig::PlacedProfile> after) const;

  // One instance of so many compute slices.
  [[nodiscard]] sched::Duration Create(const mig::GpuModel& model, int slices) const;
  [[nodiscard]] sched::Duration Destroy(const mig::GpuModel& model, int slices) const;

  // "create 0.16-0.24 s, destroy 0.20-0.22 s an instance, service restart 3.6 s".
  [[nodiscard]] std::string Describe(const mig::GpuModel& model) const;
};

}  // namespace flexmig::sim
