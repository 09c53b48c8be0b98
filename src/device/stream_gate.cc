#include "stream_gate.h"

#include "flexmig/reduce/types.h"

namespace flexmig::device {

Status StreamGate::PutArrival(const QueuedOperation& queued, cuda::Stream stream,
                              bool& entered) const {
  entered = false;
  const Operation& operation = queued.operation;
  if (operation.reduction.device_scalar != nullptr) {
    FLEXMIG_RETURN_IF_ERROR(driver_.Copy(queued.words.scalar, operation.reduction.device_scalar,
                                         reduce::ElementBytes(operation.type), stream));
    entered = true;
  }
  if (queued.bounce.has_value()) {
    for (const BouncePiece& piece : queued.layout->in) {
      FLEXMIG_RETURN_IF_ERROR(
          driver_.Copy(queued.bounce->memory + piece.offset, piece.buffer, piece.bytes, stream));
      entered = true;
    }
  }
  FLEXMIG_RETURN_IF_ERROR(
      driver_.WriteValue(stream, queued.words.start_address, queued.words.start_value));
  entered = true;
  return OkStatus();
}

Status StreamGate::PutReturn(const QueuedOperation& queued, cuda::Stream stream) const {
  const OperationWords& words = queued.words;
  FLEXMIG_RETURN_IF_ERROR(
      driver_.AwaitValue(stream, words.done_address, words.done_value,
                         words.captured ? cuda::Comparison::kEqual : cuda::Comparison::kAtLeast));
  if (queued.bounce.has_value()) {
    for (const BouncePiece& piece : queued.layout->out) {
      FLEXMIG_RETURN_IF_ERROR(
          driver_.Copy(piece.buffer, queued.bounce->memory + piece.offset, piece.bytes, stream));
    }
    FLEXMIG_RETURN_IF_ERROR(
        driver_.WriteValue(stream, queued.bounce->released_address, queued.bounce->released_value));
  }
  if (!words.captured) return OkStatus();
  return driver_.WriteValue(stream, words.done_address, 0);
}

}  // namespace flexmig::device
