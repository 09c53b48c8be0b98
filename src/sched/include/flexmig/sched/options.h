#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "flexmig/sched/time.h"

namespace flexmig::sched {

// What one user may have at once. nullopt for no bound.
struct Quota {
  std::optional<int> max_leaves = std::nullopt;
  std::optional<int> max_jobs = std::nullopt;

  friend bool operator==(const Quota&, const Quota&) = default;
};

// How a scheduler is set up. The defaults switch every rule off but the queue policy's own.
struct SchedulerOptions {
  // A job that has been able to start for so long, and did not, goes before all others and gets a
  // reservation, whatever the policy and the priorities. nullopt: never, so that under fifo-skip,
  // sjf and priorities a job can wait for ever.
  std::optional<Duration> starvation_bound = std::nullopt;

  // Fair shares: among jobs of equal priority those of the user with the least usage (leaf-time,
  // halved every so often, divided by the user's weight) go first. nullopt: off. At least 64 us.
  std::optional<Duration> share_half_life = std::nullopt;
  std::map<std::string, int> share_weights = {};  // 1 for users that are not named; 1 to 10^6

  Quota default_quota = {};
  std::map<std::string, Quota> quotas = {};  // in place of the default one

  // How many jobs conservative keeps reservations for, from the front of the queue; jobs behind
  // them do not start before they move up. Bounds the cost of a pass. At least 1.
  size_t reservation_depth = 512;

  // How many ended jobs are remembered, as a name and how they ended, for jobs that name them as
  // dependencies later. A dependency on an older one is an error.
  size_t ended_jobs_kept = 1024;

  friend bool operator==(const SchedulerOptions&, const SchedulerOptions&) = default;
};

}  // namespace flexmig::sched
