#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/cuda/driver.h"

#include "cuda_mover.h"
#include "pinned_region.h"
#include "queued_operation.h"

namespace flexmig::device {

// Runs operations whose streams have reached them.
//
// Large ones are collectives of `communicator` on the user's buffers, through a CudaMover. Small
// ones are its collectives on bounce memory: where the stream itself does not bring the bytes
// there, the mover does, to memory of this object.
//
// Threading: one owner, the worker.
class Executor {
 public:
  // `bounce_bytes`: the most that a BounceLayout asks for.
  static Result<std::unique_ptr<Executor>> Create(const cuda::Driver& driver,
                                                  coll::Communicator& communicator,
                                                  std::chrono::milliseconds timeout,
                                                  size_t bounce_bytes);

  // When it returns, with whatever status, no copy is under way, unless one did not end in time.
  Status Run(const QueuedOperation& queued);

  // From any thread, when Run is not running: no copy is under way, or after `deadline` all of the
  // memory that copies may use stays pinned and false is returned.
  bool End(Deadline deadline);

 private:
  Executor(coll::Communicator& communicator, std::chrono::milliseconds timeout)
      : communicator_(communicator), timeout_(timeout) {}

  Status RunSmall(const QueuedOperation& queued, const coll::Reduction& reduction);
  Status MoveAndRun(const QueuedOperation& queued, const coll::Reduction& reduction);
  Status RunOnBounce(const QueuedOperation& queued, const coll::Reduction& reduction,
                     std::byte* bounce);
  Status RunLarge(const QueuedOperation& queued, const coll::Reduction& reduction);

  coll::Communicator& communicator_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<CudaMover> mover_;
  PinnedRegion bounce_;
};

}  // namespace flexmig::device
