#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/agent/lease_store.h"
#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"
#include "flexmig/mig/inventory.h"
#include "flexmig/sched/replay.h"
#include "flexmig/sched/scheduler.h"

namespace flexmig::agent {

// Decides for the launchers of a node, which share no daemon, with the scheduler that the simulator
// runs, and records what happens and what is decided in one file (docs/formats/event-log.md).
//
// The file is the scheduler's state: under the lease store's lock, who looks plays what others have
// added to the file, adds what he sees has changed, asks for a decision for himself (a Tick of at
// most one start, when nobody is ahead of him) and acts on it.
//
//   a lease has gone              finish-ok (launchers do not say how a job ended)
//   a waiter has gone             cancel
//   a waiter is stopped, goes on  hold, release
//   a leaf is held by somebody who is not in the log   leaf-lost, and leaf-back when it is free
//
// Invariants: every line is written whole in one write under the lock; a line that was cut short by
// a kill is cut off by the next writer; a start that was written and not carried out looks like a
// lease that has gone. Threading: one owner. Cost: a Decide reads what was added since the last
// one; the first one reads all.
class RunLog {
 public:
  // `setup` names the policies and the node's leaves; the queue policy is to be one that decides
  // about the head alone (fifo). Does not touch the file. Errors: those of MakeScheduler.
  static Result<RunLog> Create(std::filesystem::path path, sched::SchedulerSetup setup);

  // To be called under the lease store's lock, as LeaseRequest::decide. `now` is the wall clock.
  // Returns the leaves that the job is to take now, in rank order. Creates the file if it is
  // missing. Errors: kResourceExhausted if the job has to wait; the reason of a rejection;
  // kFailedPrecondition if the file is of another setup and has to be moved away; kInvalidArgument
  // if it is no event log; kDataLoss if it is not what was read before, or its decisions are not
  // this scheduler's; kAlreadyExists if a job of this name runs. After any but the first two the
  // object is not to be used any more.
  Result<std::vector<mig::MigUuid>> Decide(const sched::Job& job, const LeaseSight& sight,
                                           sched::TimePoint now);

 private:
  RunLog(std::filesystem::path path, sched::SchedulerSetup setup, sched::Scheduler scheduler);

  Status OpenFile();
  // Plays what others have added.
  Status CatchUp();
  // Adds what has happened since the last line.
  Status Observe(const JobId& self, const LeaseSight& sight);
  Status ObserveLeaves(const LeaseSight& sight);
  Status ObserveWaiters(const JobId& self, const LeaseSight& sight);
  // Tells the scheduler and adds a line to `lines_`; returns the event with its decisions.
  template <typename EventType>
  Result<sched::Event> Tell(EventType what);
  Status WriteLines();
  [[nodiscard]] std::vector<mig::MigUuid> UuidsOf(const alloc::Allocation& allocation) const;

  std::filesystem::path path_;
  sched::SchedulerSetup setup_;
  UniqueFd fd_;  // invalid before the first Decide
  sched::Scheduler scheduler_;
  int64_t offset_ = 0;  // of the file: everything before it was played
  size_t line_number_ = 0;
  sched::TimePoint now_;
  // Whether a tick may decide something: anything has happened since the last one.
  bool changed_ = false;
  std::vector<bool> lost_;  // by LeafId
  std::string lines_;       // not written yet
};

}  // namespace flexmig::agent
