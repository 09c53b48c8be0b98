#pragma once

#include <optional>
#include <variant>

#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/sched/time.h"

namespace flexmig::sched {

// What is known of a job when it is submitted.
struct Job {
  JobId id;
  alloc::AllocationRequest request;
  std::optional<Duration> estimate;  // the user's, of its run time; not negative
};

// The job starts now on these leaves, which it holds until Finish.
struct StartJob {
  JobId job;
  alloc::Allocation allocation;

  friend bool operator==(const StartJob&, const StartJob&) = default;
};

// The job is forgotten: it could not run even on the empty node. kInvalidArgument.
struct RejectJob {
  JobId job;
  Status reason;

  friend bool operator==(const RejectJob&, const RejectJob&) = default;
};

using Decision = std::variant<StartJob, RejectJob>;

}  // namespace flexmig::sched
