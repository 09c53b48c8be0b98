#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"
#include "flexmig/device/device_communicator.h"
#include "flexmig/nccl_abi/types.h"

#include "comm.h"

namespace flexmig::nccl {

// One operation that a caller put into a group; sends and receives are exchanges of one transfer.
struct GroupedOperation {
  std::shared_ptr<Comm> comm;
  device::Operation operation;
  cuda::Stream stream{};
};

// The making of a communicator, which waits for other ranks.
struct CommJob {
  // What is made, and its handle; null where this rank is to have no part in it.
  std::shared_ptr<Comm> comm;
  ncclComm_t handle = NCCL_COMM_NULL;
  ncclComm_t* out = nullptr;     // becomes NCCL_COMM_NULL if a blocking one fails
  std::shared_ptr<Comm> parent;  // whose job it is too (Comm::BeginJob has been called), or null
  bool blocking = true;
  // Blocks. The transport is null if `comm` is.
  std::function<Result<MadeTransport>()> make;
};

// The group of the calling thread: what was called between ncclGroupStart and ncclGroupEnd, which
// may be nested. A call outside of a group is one of its own.
//
// At the end of the outermost group the communicators are made, all at once, each in a thread; then
// the operations are enqueued: communicator by communicator, in an order that is the same on all
// ranks whatever the order of the calls, in each first the collectives in the order of the calls,
// then one exchange of all its sends and receives. So neither the order of sends and receives nor
// that of different communicators can make ranks wait for each other.
//
// If a call of a group failed, the group fails with its error and nothing is done. Everything that
// can be checked is, before anything is enqueued.
class Group {
 public:
  static Group& OfThisThread();

  void Start() { ++depth_; }
  [[nodiscard]] bool is_open() const { return depth_ > 0; }
  // A call in the group has failed. Nothing outside of one.
  void Fail(const Status& status);

  // Both do at once what they are given if there is no group. ncclInProgress if a job goes on in
  // the background.
  Status Add(GroupedOperation operation);
  Result<ncclResult_t> Add(CommJob job);

  // Errors: kFailedPrecondition without a group.
  Result<ncclResult_t> End();
  // Ends the group without doing anything of it. Errors: as End.
  Status Drop();

 private:
  Group() = default;

  int depth_ = 0;
  Status failed_;
  std::vector<GroupedOperation> operations_;
  std::vector<CommJob> jobs_;
};

// What End does with them. Exposed for tests.
Status Submit(std::vector<GroupedOperation> operations);
Result<ncclResult_t> RunJobs(std::vector<CommJob> jobs);

// Runs `work`, which does not throw, in a thread that nobody joins, with all signals blocked.
// Errors: kResourceExhausted.
Status RunInBackground(std::function<void()> work);

}  // namespace flexmig::nccl
