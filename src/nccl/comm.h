#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"
#include "flexmig/device/device_communicator.h"
#include "flexmig/nccl_abi/types.h"

#include "config.h"
#include "environment.h"
#include "transport.h"

namespace flexmig::nccl {

// Where a communicator lives.
struct Home {
  const cuda::Driver* driver = nullptr;  // null: no device, in tests
  int device = -1;                       // its ordinal
};

// What an initialisation ends with.
struct MadeTransport {
  std::unique_ptr<Transport> transport;
  Home home;
};

// What an ncclComm_t stands for: a transport, and what the C interface promises around it.
//
// It begins as one that is being initialised, by a job that may be a thread of its own, and becomes
// ready or failed. Jobs (initialisation, splits, finalisation) run beside the callers, who find it
// "in progress" meanwhile.
//
// Invariants: the transport is set once, before it is ready; a communicator that has ended (failed,
// finalised, revoked) stays so.
// Threading: thread-safe.
class Comm {
 public:
  // `lineage` is the same on all ranks of it and differs between communicators: groups on different
  // ranks bring communicators into the same order by it. `rank`, `world_size` and `device` may be
  // -1 until they are known.
  Comm(Config config, Settings settings, std::string lineage, int rank, int world_size, int device);
  ~Comm();
  Comm(const Comm&) = delete;
  Comm& operator=(const Comm&) = delete;

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const std::string& lineage() const { return lineage_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int world_size() const { return world_size_; }
  [[nodiscard]] int device() const { return device_; }
  // Made by this process, not before it was forked.
  [[nodiscard]] bool is_own() const;

  // --- Jobs ---

  // The end of the initialisation. An error makes it a failed one.
  void EndInit(Result<MadeTransport> made);
  // Around any other job: until EndJob this communicator is in progress.
  // Errors: as Usable.
  Status BeginJob();
  // `failed` is what GetAsyncError then tells, if it is an error.
  void EndJob(const Status& failed);
  // OK until Stop: what a waiting initialisation asks.
  [[nodiscard]] Status Wanted() const;

  // --- Questions ---

  // Whether operations may be enqueued. Errors: kInvalidArgument while it is in progress,
  // kFailedPrecondition if it was finalised or revoked, else what it has died of.
  [[nodiscard]] Status Usable() const;
  // Whether rank, size and device are known. Errors: kInvalidArgument while it is being
  // initialised, or what that failed with.
  [[nodiscard]] Status Initialized() const;
  // What ncclCommGetAsyncError tells; with an error, `why`.
  [[nodiscard]] ncclResult_t AsyncResult(std::string& why) const;

  // --- Work ---

  // The transport; null before it is ready.
  [[nodiscard]] std::shared_ptr<Transport> transport() const;
  [[nodiscard]] Home home() const;
  // How many splits and shrinks have begun: part of the children's lineage.
  [[nodiscard]] int NextChild() { return ++children_; }

  // Allows nothing more; then waits for all that was enqueued: a job that begins with the first and
  // ends with the second. Errors: of the first as Usable, of the second as Transport::Drain.
  Status BeginFinalize();
  Status EndFinalize();
  // Ends all operations on all ranks; splits and shrinks go on working. Errors: as Usable, but a
  // communicator that has died can be revoked.
  Status Revoke();
  [[nodiscard]] bool is_revoked() const;
  // Ends everything at once, on all ranks, and waits for jobs, at most 10 s.
  void Stop(const std::string& reason);
  // Waits for what was enqueued, unless it has ended or died, and for jobs.
  void Close();

  // --- Reductions ---

  // `scalar` is read now if it is an immediate one. Errors: kInvalidArgument.
  Result<ncclRedOp_t> CreatePreMulSum(const void* scalar, ncclDataType_t type,
                                      ncclScalarResidence_t residence);
  Status DestroyOp(ncclRedOp_t op);
  // Errors: kInvalidArgument for an op that is none, or was made for another type.
  Result<device::DeviceReduction> ReductionOf(ncclRedOp_t op, reduce::DataType type) const;

  // --- Registered buffers ---

  void* Register();
  Status Deregister(void* handle);

 private:
  enum class State : uint8_t { kInitializing, kReady, kFailed, kFinalized, kRevoked };
  struct PreMulSum {
    reduce::DataType type;
    device::DeviceReduction reduction;
  };

  // REQUIRES: mutex_ is held.
  [[nodiscard]] Status UsableLocked() const;
  void AwaitJobs(std::unique_lock<std::mutex>& lock, Deadline deadline);

  const Config config_;
  const Settings settings_;
  const std::string lineage_;
  const pid_t owner_;
  std::atomic<int> rank_;
  std::atomic<int> world_size_;
  std::atomic<int> device_;
  std::atomic<int> children_{0};
  std::atomic<bool> stopped_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;  // jobs_ fell
  State state_ = State::kInitializing;
  int jobs_ = 1;    // the initialisation is the first
  Status failure_;  // of the initialisation, or of a job
  std::shared_ptr<Transport> transport_;
  Home home_;
  std::map<int, PreMulSum> ops_;
  int next_op_ = ncclNumOps;
  std::set<uintptr_t> registered_;
  uintptr_t next_registered_ = 1;
  mutable bool told_death_ = false;  // to the log
};

}  // namespace flexmig::nccl
