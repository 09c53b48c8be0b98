#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "flexmig/device/device_communicator.h"

#include "bounce_memory.h"
#include "pinned_words.h"

namespace flexmig::device {

// Part of a small operation's bytes: in a buffer of the user, and in bounce memory.
struct BouncePiece {
  std::byte* buffer = nullptr;  // only read for those that go in
  size_t offset = 0;            // in the bounce memory; a multiple of 128
  size_t bytes = 0;
};

// How a small operation lies in bounce memory.
struct BounceLayout {
  std::vector<BouncePiece> in;
  std::vector<BouncePiece> out;
  // Where what the collective takes for its buffers begins; for kExchange, each transfer's.
  size_t send = 0;
  size_t receive = 0;
  std::vector<size_t> transfers;
  size_t bytes = 0;  // of the whole

  [[nodiscard]] static BounceLayout Of(const Operation& operation, int rank, int world_size);
};

// One entry of a communicator's queue: an operation in a stream, or a task of the host.
struct QueuedOperation {
  Operation operation;
  OperationWords words;
  // Of a small operation.
  std::optional<BounceLayout> layout;
  // Of a small operation whose bytes its stream itself brings there and fetches; else the worker
  // does.
  std::optional<Bounce> bounce;
  // And by one kernel, instead of copies.
  bool by_kernel = false;
  // Not an operation: run by the worker when everything before it has run.
  std::function<void()> task;
};

}  // namespace flexmig::device
