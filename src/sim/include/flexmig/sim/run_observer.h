#pragma once

#include <cstddef>

#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"
#include "flexmig/mig/types.h"
#include "flexmig/sched/scheduler.h"
#include "flexmig/sched/time.h"

namespace flexmig::sim {

// Watches one run: what a result is written from while it comes about, and what shows how far it
// has got. Jobs are named by their index in the workload. References are valid during the call
// only. An error ends the run and is what Simulate returns, so that a full disk is noticed early.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  RunObserver(const RunObserver&) = delete;
  RunObserver& operator=(const RunObserver&) = delete;

  // Before the first event; the scheme has put its first layouts in place.
  virtual Status OnBegin(sched::TimePoint /*now*/, const sched::Scheduler& /*scheduler*/) {
    return OkStatus();
  }
  virtual Status OnSubmit(sched::TimePoint /*now*/, size_t /*job*/) { return OkStatus(); }
  // The job holds its leaves already.
  virtual Status OnStart(sched::TimePoint /*now*/, size_t /*job*/,
                         const alloc::Allocation& /*allocation*/) {
    return OkStatus();
  }
  // The job has ended; and its leaves are free again, at the same time or later.
  virtual Status OnFinish(sched::TimePoint /*now*/, size_t /*job*/) { return OkStatus(); }
  virtual Status OnRelease(sched::TimePoint /*now*/, size_t /*job*/) { return OkStatus(); }
  // It could not run even on the empty cluster.
  virtual Status OnReject(sched::TimePoint /*now*/, size_t /*job*/) { return OkStatus(); }
  // A GPU goes out of service to be given another layout; and is back with it.
  virtual Status OnOutOfService(sched::TimePoint /*now*/, mig::GpuIndex /*gpu*/) {
    return OkStatus();
  }
  virtual Status OnInService(sched::TimePoint /*now*/, mig::GpuIndex /*gpu*/) { return OkStatus(); }
  // All that happened at `now` has been reported, what the scheduler decided included.
  virtual Status OnMoment(sched::TimePoint /*now*/, const sched::Scheduler& /*scheduler*/) {
    return OkStatus();
  }

 protected:
  RunObserver() = default;
};

}  // namespace flexmig::sim
