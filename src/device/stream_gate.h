#pragma once

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"

#include "queued_operation.h"

namespace flexmig::device {

// What Enqueue puts into the user's stream:
//
//   [the device's scalar -> scalar word]
//   [buffers -> bounce memory]              small, moved by the stream
//   start word := start value               here the worker sees it
//   wait until the done word has its value  here the worker lets it go on
//   [bounce memory -> buffers] [released word := released value]
//   [done word := 0]                        captured, for the next launch
//
// The first three and the rest are put in apart: in between the operation is queued, so that the
// worker knows it before the caller's thread can be held up behind it. A stream that is captured
// records the same.
//
// A kernel does what lies between the scalar and the released word: it stores its input and the
// start word, waits for the done word (or the abort word), and loads the result.
class StreamGate {
 public:
  // `kernel` may be null, if no operation is to be moved by it.
  StreamGate(const cuda::Driver& driver, cuda::Function kernel, uint64_t abort_address)
      : driver_(driver), kernel_(kernel), abort_address_(abort_address) {}

  // `entered` tells after an error whether anything has got into the stream.
  Status PutArrival(const QueuedOperation& queued, cuda::Stream stream, bool& entered) const;
  // After an error the stream may have no wait, or no words behind it: the communicator is lost.
  Status PutReturn(const QueuedOperation& queued, cuda::Stream stream) const;

 private:
  Status LaunchKernel(const QueuedOperation& queued, cuda::Stream stream) const;

  const cuda::Driver& driver_;
  const cuda::Function kernel_;
  const uint64_t abort_address_;
};

}  // namespace flexmig::device
