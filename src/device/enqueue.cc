// What Enqueue does in the caller's thread.

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>
#include <vector>

#include "flexmig/base/strings.h"
#include "flexmig/reduce/types.h"

#include "current_context.h"
#include "impl.h"
#include "operation_shape.h"

namespace flexmig::device {
namespace {

// Of one operation in a stream: beyond this, starting copies from the caller's thread takes longer
// than the worker would.
constexpr size_t kMaxPiecesInStream = 8;
// While 256 operations are queued, one takes at least some 10 us.
constexpr std::chrono::microseconds kRoomNap(20);

std::string_view KindName(cuda::PointerFacts::Kind kind) {
  switch (kind) {
    case cuda::PointerFacts::Kind::kDevice: return "device memory";
    case cuda::PointerFacts::Kind::kManaged: return "managed memory";
    case cuda::PointerFacts::Kind::kHost: return "registered host memory";
    case cuda::PointerFacts::Kind::kUnregistered: break;
  }
  return "memory that is not registered with the driver";
}

}  // namespace

Status DeviceCommunicator::Impl::Enqueue(const Operation& operation, cuda::Stream stream) {
  FLEXMIG_RETURN_IF_ERROR(CheckOperation(operation, rank(), world_size()));
  FLEXMIG_RETURN_IF_ERROR(status());
  FLEXMIG_ASSIGN_OR_RETURN(const CurrentContext current, CurrentContext::Set(driver_, context_));
  if (settings_.check_pointers) FLEXMIG_RETURN_IF_ERROR(CheckPointers(operation));
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::CaptureState capture, driver_.CaptureOf(stream));
  if (capture.kind == cuda::CaptureState::Kind::kInvalidated) {
    return FailedPreconditionError("the capture of the stream has become invalid");
  }
  if (IsCopy(operation)) return EnqueueCopies(operation, stream);
  const auto queued = std::make_shared<QueuedOperation>();
  queued->operation = operation;
  if (SizeOf(operation, rank(), world_size()) <= settings_.small_bytes) {
    queued->layout = BounceLayout::Of(operation, rank(), world_size());
    // Many small messages take more than their bytes. Each rank of a group may choose for itself.
    if (operation.kind == Operation::Kind::kExchange &&
        queued->layout->bytes > settings_.small_bytes) {
      queued->layout.reset();
    }
  }
  if (capture.kind == cuda::CaptureState::Kind::kActive) {
    return EnqueueCaptured(queued, stream, capture.id);
  }
  return EnqueueEager(queued, stream);
}

Status DeviceCommunicator::Impl::EnqueueEager(const std::shared_ptr<QueuedOperation>& queued,
                                              cuda::Stream stream) {
  std::unique_lock lock(enqueue_mutex_);
  const Deadline deadline = Deadline::After(timeout_);
  while (next_number_ - finished_number_.load() > EagerWords::kOperations) {
    lock.unlock();
    FLEXMIG_RETURN_IF_ERROR(status());
    if (deadline.HasPassed()) {
      return DeadlineExceededError(StrCat("rank ", rank(), ": ", EagerWords::kOperations,
                                          " operations are queued, and none has run for ",
                                          timeout_.count(), " ms"));
    }
    std::this_thread::sleep_for(kRoomNap);
    lock.lock();
  }
  queued->words = words_->Of(next_number_);
  if (MovesInStream(*queued)) queued->bounce = bounces_.Take(queued->layout->bytes);
  queued->by_kernel = MovesByKernel(*queued);
  bool entered = false;
  if (Status put = gate_->PutArrival(*queued, stream, entered); !put.ok()) {
    if (entered) return FailInStream(put);
    // The ring gives out in order, and nobody will release this piece.
    if (queued->bounce.has_value()) {
      std::atomic_ref(*queued->bounce->released).store(queued->bounce->released_value);
    }
    return put;
  }
  ++next_number_;
  queue_.PushEager(queued);
  const Status put = gate_->PutReturn(*queued, stream);
  return put.ok() ? put : FailInStream(put);
}

Status DeviceCommunicator::Impl::EnqueueCaptured(const std::shared_ptr<QueuedOperation>& queued,
                                                 cuda::Stream stream, uint64_t capture) {
  const std::lock_guard lock(enqueue_mutex_);
  FLEXMIG_ASSIGN_OR_RETURN(queued->words, CapturedWords::Take(driver_));
  if (CapturedWords::AreLow(driver_)) queue_.Wake();
  if (MovesInStream(*queued)) {
    queued->bounce = captured_bounces_->Of(capture, stream);
    queued->by_kernel = MovesByKernel(*queued);
    if (captured_bounces_->AreLow()) queue_.Wake();
  }
  // Nothing runs before the graph is launched, so that an error spoils the capture alone.
  bool entered = false;
  FLEXMIG_RETURN_IF_ERROR(gate_->PutArrival(*queued, stream, entered));
  FLEXMIG_RETURN_IF_ERROR(gate_->PutReturn(*queued, stream));
  queue_.PushCaptured(queued, capture);
  return OkStatus();
}

bool DeviceCommunicator::Impl::MovesInStream(const QueuedOperation& queued) {
  return queued.layout.has_value() &&
         queued.layout->in.size() + queued.layout->out.size() <= kMaxPiecesInStream;
}

bool DeviceCommunicator::Impl::MovesByKernel(const QueuedOperation& queued) const {
  return has_kernel_ && queued.bounce.has_value() && queued.layout->in.size() <= 1 &&
         queued.layout->out.size() <= 1;
}

Status DeviceCommunicator::Impl::FailInStream(const Status& why) {
  Fail(why.WithContext("an operation is in its stream in part"));
  return why;
}

bool DeviceCommunicator::Impl::IsCopy(const Operation& operation) const {
  if (world_size() > 1) return false;
  const bool scales = operation.reduction.reduction.op == ReduceOp::kPreMulSum;
  switch (operation.kind) {
    case Operation::Kind::kAllReduce:
    case Operation::Kind::kReduce:
    case Operation::Kind::kReduceScatter: return !scales;
    default: return true;
  }
}

Status DeviceCommunicator::Impl::EnqueueCopies(const Operation& operation,
                                               cuda::Stream stream) const {
  const auto copy = [&](void* to, const void* from, size_t bytes) {
    return to == from || bytes == 0 ? OkStatus() : driver_.Copy(to, from, bytes, stream);
  };
  if (operation.kind != Operation::Kind::kExchange) {
    return copy(operation.receive, operation.send,
                operation.count * reduce::ElementBytes(operation.type));
  }
  // The k-th message meets the k-th receive, as in coll.
  std::vector<const Transfer*> sends;
  std::vector<const Transfer*> receives;
  for (const Transfer& transfer : operation.transfers) {
    (transfer.direction == Transfer::Direction::kSend ? sends : receives).push_back(&transfer);
  }
  for (size_t i = 0; i < std::max(sends.size(), receives.size()); ++i) {
    if (i >= sends.size()) return InvalidArgumentError("a receive from itself has no message");
    if (i >= receives.size() || sends[i]->count != receives[i]->count ||
        sends[i]->type != receives[i]->type) {
      return InvalidArgumentError("a message to itself has no receive of its count and type");
    }
  }
  for (size_t i = 0; i < sends.size(); ++i) {
    FLEXMIG_RETURN_IF_ERROR(copy(receives[i]->data, sends[i]->data,
                                 sends[i]->count * reduce::ElementBytes(sends[i]->type)));
  }
  return OkStatus();
}

Status DeviceCommunicator::Impl::CheckPointers(const Operation& operation) const {
  const Traffic traffic = TrafficOf(operation, rank(), world_size());
  for (size_t i = 0; i < operation.transfers.size(); ++i) {
    if (operation.transfers[i].count == 0) continue;
    FLEXMIG_RETURN_IF_ERROR(
        CheckPointer(StrCat("the buffer of transfer ", i).c_str(), operation.transfers[i].data));
  }
  if (operation.kind == Operation::Kind::kExchange) return OkStatus();
  if (traffic.send_bytes > 0) {
    FLEXMIG_RETURN_IF_ERROR(CheckPointer("the send buffer", operation.send));
  }
  if (traffic.receive_bytes > 0) {
    FLEXMIG_RETURN_IF_ERROR(CheckPointer("the receive buffer", operation.receive));
  }
  return OkStatus();
}

Status DeviceCommunicator::Impl::CheckPointer(const char* what, const void* pointer) const {
  FLEXMIG_ASSIGN_OR_RETURN(const cuda::PointerFacts facts, driver_.FactsOf(pointer));
  if (facts.kind == cuda::PointerFacts::Kind::kUnregistered) {
    return InvalidArgumentError(
        StrCat(what, " is ", KindName(facts.kind), ", which the GPU cannot reach"));
  }
  if (facts.kind == cuda::PointerFacts::Kind::kDevice && facts.device != device_.ordinal) {
    return InvalidArgumentError(StrCat(what, " is ", KindName(facts.kind), " of device ",
                                       facts.device, ", not of the communicator's, ",
                                       device_.ordinal));
  }
  return OkStatus();
}

}  // namespace flexmig::device
