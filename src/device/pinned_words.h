#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/cuda/driver.h"
#include "flexmig/reduce/types.h"

#include "pinned_region.h"

namespace flexmig::device {

// The words of pinned memory through which a stream and a worker talk about one operation:
//   start   the stream writes `start_value` when it has reached the operation,
//   done    the worker writes `done_value` when the stream may go on,
//   scalar  the stream copies the factor of a pre-multiplied sum here, before start.
// An eager operation's words have numbers that only grow. A captured one has its words for itself:
// they are 0 or 1, and every launch of the graph uses them again.
struct OperationWords {
  uint64_t* start = nullptr;
  uint64_t* done = nullptr;
  reduce::Scalar* scalar = nullptr;
  // The same, as the device sees them.
  uint64_t start_address = 0;
  uint64_t done_address = 0;

  uint64_t start_value = 0;
  uint64_t done_value = 0;
  bool captured = false;

  [[nodiscard]] bool IsStarted() const {
    return std::atomic_ref(*start).load(std::memory_order_acquire) == start_value;
  }
  // What the device or the worker wrote before is visible to the stream behind its wait.
  void SetDone() const { std::atomic_ref(*done).store(done_value, std::memory_order_release); }
};

// The words of a communicator's eager operations, which are numbered from first_number(). At most
// kOperations of them may be unfinished at a time.
//
// Streams may look at these words after the communicator has gone: a wait that it has ended is
// looked at again whenever its hardware queue gets its turn. So the words are never unpinned. They
// go to the next communicator, whose numbers are higher: old waits stay ended.
class EagerWords {
 public:
  static constexpr size_t kOperations = 256;

  // Errors: as PinnedRegion::Allocate's.
  static Result<std::unique_ptr<EagerWords>> Take(const cuda::Driver& driver);
  // Of operation `number`.
  [[nodiscard]] OperationWords Of(uint64_t number) const;
  [[nodiscard]] uint64_t first_number() const { return first_number_; }
  // A word that ends every kernel of this communicator that waits for a done word. From any thread.
  void SetAbort(bool aborted) const;
  [[nodiscard]] uint64_t abort_address() const;

  // Gives them back for another communicator, whose first number will be above `last_number`.
  // REQUIRES: every operation up to that one has been started by its stream and is done.
  static void GiveBack(std::unique_ptr<EagerWords> words, uint64_t last_number);
  // Keeps them for ever: some stream may still write one.
  static void Abandon(std::unique_ptr<EagerWords> words);

 private:
  EagerWords(const cuda::Driver& driver, PinnedRegion region)
      : driver_(&driver), region_(std::move(region)) {}

  const cuda::Driver* driver_;
  PinnedRegion region_;
  uint64_t first_number_ = 1;
};

// Words for captured operations: pinned ahead, since memory cannot be pinned during a capture, and
// never used twice, since nobody tells when a graph is gone. 24 bytes each. Shared by all
// communicators of the process. Threading: thread-safe.
class CapturedWords {
 public:
  // Pins words until some thousands are free. Not in a thread that captures.
  static Status Replenish(const cuda::Driver& driver);
  // Whether Replenish should be called soon.
  [[nodiscard]] static bool AreLow(const cuda::Driver& driver);
  // Never waits. Errors: kResourceExhausted if none is free.
  static Result<OperationWords> Take(const cuda::Driver& driver);
};

}  // namespace flexmig::device
