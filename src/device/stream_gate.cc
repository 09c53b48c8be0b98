#include "stream_gate.h"

#include <array>
#include <iterator>

#include "flexmig/reduce/types.h"

namespace flexmig::device {
namespace {

// Of the one block: 64 KiB are eight rounds of 16 bytes a thread.
constexpr unsigned kThreads = 512;

}  // namespace

Status StreamGate::PutArrival(const QueuedOperation& queued, cuda::Stream stream,
                              bool& entered) const {
  entered = false;
  const Operation& operation = queued.operation;
  if (operation.reduction.device_scalar != nullptr) {
    FLEXMIG_RETURN_IF_ERROR(driver_.Copy(queued.words.scalar, operation.reduction.device_scalar,
                                         reduce::ElementBytes(operation.type), stream));
    entered = true;
  }
  if (queued.by_kernel) {
    FLEXMIG_RETURN_IF_ERROR(LaunchKernel(queued, stream));
    entered = true;
    return OkStatus();
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

Status StreamGate::LaunchKernel(const QueuedOperation& queued, cuda::Stream stream) const {
  const BouncePiece in = queued.layout->in.empty() ? BouncePiece{} : queued.layout->in.front();
  const BouncePiece out = queued.layout->out.empty() ? BouncePiece{} : queued.layout->out.front();
  const uint64_t bounce = queued.bounce->address;
  // As flexmig/device_kernels/exchange_kernel.h lists its parameters, all of 64 bits.
  uint64_t values[] = {reinterpret_cast<uintptr_t>(in.buffer),
                       in.bytes,
                       bounce + in.offset,
                       queued.words.start_address,
                       queued.words.start_value,
                       queued.words.done_address,
                       queued.words.done_value,
                       abort_address_,
                       reinterpret_cast<uintptr_t>(out.buffer),
                       bounce + out.offset,
                       out.bytes};
  std::array<void*, std::size(values)> arguments;
  for (size_t i = 0; i < arguments.size(); ++i) arguments[i] = &values[i];
  return driver_.Launch(kernel_, /*blocks=*/1, kThreads, arguments, stream);
}

}  // namespace flexmig::device
