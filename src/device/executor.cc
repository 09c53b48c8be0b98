#include "executor.h"

#include <algorithm>
#include <vector>

#include "operation_shape.h"

namespace flexmig::device {
namespace {

// After an error: as long as coll waits for its copies.
constexpr std::chrono::milliseconds kCopiesEnd = std::chrono::seconds(10);

}  // namespace

Result<std::unique_ptr<Executor>> Executor::Create(const cuda::Driver& driver,
                                                   coll::Communicator& communicator,
                                                   std::chrono::milliseconds timeout,
                                                   size_t bounce_bytes) {
  auto executor = std::unique_ptr<Executor>(new Executor(communicator, timeout));
  FLEXMIG_ASSIGN_OR_RETURN(executor->mover_, CudaMover::Create(driver));
  FLEXMIG_ASSIGN_OR_RETURN(executor->bounce_,
                           PinnedRegion::Allocate(driver, bounce_bytes, "memory for operations"));
  return executor;
}

Status Executor::Run(const QueuedOperation& queued) {
  coll::Reduction reduction = queued.operation.reduction.reduction;
  if (queued.operation.reduction.device_scalar != nullptr) reduction.scalar = *queued.words.scalar;
  if (queued.bounce.has_value()) return RunOnBounce(queued, reduction, queued.bounce->memory);
  return queued.layout.has_value() ? RunSmall(queued, reduction) : RunLarge(queued, reduction);
}

Status Executor::RunSmall(const QueuedOperation& queued, const coll::Reduction& reduction) {
  Status status = MoveAndRun(queued, reduction);
  if (!status.ok()) {
    // Streams go on after this; a copy of ours must not land in what they do next.
    static_cast<void>(mover_->AwaitAll(Deadline::After(std::min(timeout_, kCopiesEnd))));
  }
  return status;
}

Status Executor::MoveAndRun(const QueuedOperation& queued, const coll::Reduction& reduction) {
  std::byte* const bounce = bounce_.memory().data();
  for (const BouncePiece& piece : queued.layout->in) {
    FLEXMIG_RETURN_IF_ERROR(mover_->StartIn(bounce + piece.offset, piece.buffer, piece.bytes));
  }
  FLEXMIG_RETURN_IF_ERROR(mover_->Await(coll::Mover::Direction::kIn, Deadline::After(timeout_)));
  FLEXMIG_RETURN_IF_ERROR(RunOnBounce(queued, reduction, bounce));
  for (const BouncePiece& piece : queued.layout->out) {
    FLEXMIG_RETURN_IF_ERROR(mover_->StartOut(piece.buffer, bounce + piece.offset, piece.bytes));
  }
  return mover_->Await(coll::Mover::Direction::kOut, Deadline::After(timeout_));
}

Status Executor::RunOnBounce(const QueuedOperation& queued, const coll::Reduction& reduction,
                             std::byte* bounce) {
  const BounceLayout& layout = *queued.layout;
  std::vector<Transfer> transfers = queued.operation.transfers;
  for (size_t i = 0; i < transfers.size(); ++i) transfers[i].data = bounce + layout.transfers[i];
  return Call(communicator_, queued.operation, reduction, bounce + layout.send,
              bounce + layout.receive, transfers);
}

Status Executor::RunLarge(const QueuedOperation& queued, const coll::Reduction& reduction) {
  communicator_.UseMover(mover_.get());
  Status status = Call(communicator_, queued.operation, reduction, queued.operation.send,
                       queued.operation.receive, queued.operation.transfers);
  communicator_.UseMover(nullptr);
  return status;
}

bool Executor::End(Deadline deadline) {
  if (mover_->AwaitAll(deadline).ok()) return true;
  bounce_.Leak();
  return false;
}

}  // namespace flexmig::device
