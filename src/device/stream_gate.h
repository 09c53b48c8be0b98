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
// worker knows it before anything can wait for it. A stream that is captured records the same.
class StreamGate {
 public:
  explicit StreamGate(const cuda::Driver& driver) : driver_(driver) {}

  // `entered` tells after an error whether anything has got into the stream.
  Status PutArrival(const QueuedOperation& queued, cuda::Stream stream, bool& entered) const;
  // After an error the stream may have no wait, or no words behind it: the communicator is lost.
  Status PutReturn(const QueuedOperation& queued, cuda::Stream stream) const;

 private:
  const cuda::Driver& driver_;
};

}  // namespace flexmig::device
