#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/alloc/request.h"
#include "flexmig/base/deadline.h"
#include "flexmig/base/file.h"
#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/mig/types.h"

namespace flexmig::agent {

// Who holds a leaf, for people to read. Nothing is decided by it but, by `comm`, which of several
// choices of leaves is the better one. Fields that could not be read are empty.
struct LeaseHolder {
  JobId job;
  pid_t pid = 0;  // of the launcher
  std::string user;
  std::string since;  // "2025-03-31T14:05:09Z"
  Rank rank;
  std::string command;
  alloc::Comm comm = alloc::Comm::kHeavy;

  friend bool operator==(const LeaseHolder&, const LeaseHolder&) = default;
};

using BusyLeaves = std::map<mig::MigUuid, LeaseHolder>;

// Leaves that belong to one job until Release, destruction, or the end of every process that holds
// a copy: a forked child that keeps the object keeps the leaves, exec closes them.
//
// Threading: thread-compatible.
class Lease {
 public:
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { Release(); }

  // In rank order; empty after Release.
  [[nodiscard]] const std::vector<mig::MigUuid>& leaves() const { return leaves_; }

  // Gives the leaves up. In a forked child only the child's copy is closed; the process that
  // acquired the lease also removes its files.
  // REQUIRES: nothing runs on the leaves any more and, in the acquiring process, every forked copy
  // is gone or released.
  void Release();

 private:
  friend class LeaseStore;
  explicit Lease(std::filesystem::path folder);

  std::filesystem::path folder_;
  pid_t owner_;
  std::vector<mig::MigUuid> leaves_;
  std::vector<FileLock> locks_;  // locks_[i] holds leaves_[i]
};

// Why a job does not have its leaves yet.
struct LeaseWait {
  Status reason;                // what `choose` answered, or that another job is first
  BusyLeaves busy;              // empty if another job is first
  std::optional<pid_t> behind;  // the launcher that is first in the queue, if it is another one
};

// A launcher that waits for leaves.
struct LeaseWaiter {
  JobId job;
  pid_t pid = 0;
  bool stopped = false;  // by a signal: it is passed over until it continues
};

// What a launcher sees of the node in the moment in which nobody else looks or changes.
struct LeaseSight {
  BusyLeaves busy;
  std::vector<LeaseWaiter> waiters;  // in the order of the queue; also the one who looks
  bool first = true;                 // nobody who is not stopped is ahead of the one who looks
};

struct LeaseRequest {
  JobId job;
  std::string command;
  alloc::Comm comm = alloc::Comm::kHeavy;

  // Names the wanted leaves in rank order, given those that are leased now. kResourceExhausted
  // means "not now": the request waits, if it may. Any other error ends it.
  std::function<Result<std::vector<mig::MigUuid>>(const BusyLeaves&)> choose = nullptr;

  // In place of `choose`, if set: called at every attempt, also while somebody else is ahead (then
  // what it names is not taken, and only an error other than kResourceExhausted counts).
  std::function<Result<std::vector<mig::MigUuid>>(const LeaseSight&)> decide = nullptr;

  // How long to queue; nullopt to fail at once.
  std::optional<Deadline> wait_until = std::nullopt;

  // Take what is free although others wait: for an operator's work of seconds, never for jobs.
  bool pass_the_queue = false;

  // Called before every pause of the queue (about 40 times a second); an error gives the place in
  // the queue up and is returned. May be empty.
  std::function<Status(const LeaseWait&)> on_wait = nullptr;
};

// The leases of one node among the processes of one user, without a daemon: one file per leased
// MIG UUID in a private folder, locked by the launcher that holds it. The kernel frees the lock
// however the holder dies, so a file without a lock is not a lease; the next visitor removes it.
//
//   lock               held for the milliseconds of one look or one change
//   leaves/<MIG UUID>  a lease; the content is the LeaseHolder as JSON
//   queue/<number>     a waiting launcher; the lowest number is served first. The content is its
//                      process id and its job, a line each
//
// Invariants: a UUID is never in two live leases. Leases are handed out in the order of the queue:
// who comes later, or does not want to wait, never overtakes a living waiter, so that a wide
// request cannot starve (but see pass_the_queue). A waiter that is stopped (Ctrl-Z) is passed over
// until it continues. Threading: thread-compatible; any number of processes.
class LeaseStore {
 public:
  // Creates the folder where missing. `lock_timeout` bounds every wait for the lock.
  // Errors: kPermissionDenied if the folder is somebody else's or open to others.
  static Result<LeaseStore> Open(const std::filesystem::path& folder,
                                 std::chrono::milliseconds lock_timeout = std::chrono::seconds(10));

  // The leases of this moment. Never makes a leaf look busy to anybody else.
  // Errors: kDeadlineExceeded naming the process that holds the lock and does not let go (stopped).
  Result<BusyLeaves> Snapshot() const;

  // Leases what `request.choose` names: all of it, or nothing.
  // Errors: kResourceExhausted if the leaves are not free, or a waiter is ahead, and the request
  // does not wait; kDeadlineExceeded if they were not free until `wait_until`, or as Snapshot;
  // kFailedPrecondition if `choose` names a leaf that is leased; kInvalidArgument if it names one
  // twice, none at all, or one that cannot be a file name; and what `choose` and `on_wait` return.
  Result<Lease> Acquire(const LeaseRequest& request) const;

 private:
  LeaseStore(std::filesystem::path folder, std::chrono::milliseconds lock_timeout)
      : folder_(std::move(folder)), lock_timeout_(lock_timeout) {}

  struct Ticket {
    int64_t number;
    FileLock lock;
  };

  // The following are called under the lock.
  Result<BusyLeaves> ReadLeases() const;
  Result<std::optional<pid_t>> FirstWaiterBefore(int64_t number) const;
  // Sets waiters and first, for the holder of ticket `number`. Says who is ahead.
  Result<std::optional<pid_t>> ReadWaiters(int64_t number, LeaseSight& sight) const;
  Result<Ticket> TakeTicket(const JobId& job) const;

  Result<FileLock> Lock() const;
  Result<Lease> TakeLeaves(const LeaseRequest& request, std::vector<mig::MigUuid> wanted) const;
  Result<Lease> AcquireOnce(const LeaseRequest& request, std::optional<Ticket>& ticket,
                            LeaseWait& wait) const;
  void DropTicket(const Ticket& ticket) const;

  std::filesystem::path folder_;
  std::chrono::milliseconds lock_timeout_;
};

}  // namespace flexmig::agent
