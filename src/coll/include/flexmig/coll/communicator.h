#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/reduce/types.h"

namespace flexmig::coll {

using reduce::DataType;
using reduce::ReduceOp;

// How the ranks of one communicator find each other and how patient they are.
struct CommunicatorOptions {
  // Equal on all ranks and different from every other communicator's that is being set up on this
  // host at the same time; 1 to 64 characters of [A-Za-z0-9._-]. Make it hard to guess
  // (RandomHex): ranks of other users are refused in any case.
  std::string rendezvous;
  Rank rank;
  int world_size = 1;  // 1 .. 64
  // The leaf of this rank (MIG UUID), or "" for none; at most 127 characters. Two ranks that name
  // one leaf are refused.
  std::string leaf;
  // How long Create may wait for the other ranks.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(60);
  // How long a collective may wait for a peer's next step (FLEXMIG_TIMEOUT; default as torch's).
  std::chrono::milliseconds timeout = std::chrono::minutes(30);
};

// A group of processes on one host that exchange data in host memory through one shared segment.
//
// All ranks call the same collectives in the same order with matching arguments; a difference is
// kInvalidArgument on every rank, naming both. Every collective waits until all ranks have called
// it. Results are bitwise equal on all ranks and from run to run, whatever the sizes and addresses
// of the buffers: contributions are combined in rank order, half types accumulated in float and
// rounded once (reduce.h says it all; integer averages truncate towards zero, integers wrap).
// In place is allowed where send and receive buffers are the same, or, for AllGather and
// ReduceScatter, where this rank's part is in its own place; they must not overlap otherwise.
// Buffers need no alignment. Zero counts are allowed.
//
// Errors of every collective:
//   kAborted           a peer died or destroyed its communicator, or some rank called Abort;
//                      names the rank. Within 1 s of a death. What a rank contributed before its
//                      end still counts: a collective that needs no more of it succeeds.
//   kDeadlineExceeded  a peer made no progress within `timeout`; names the rank waited for.
//   kInvalidArgument   the ranks' calls differ, or the arguments contradict each other.
// After the first of these errors, on whichever rank, the communicator is dead: every later call
// on every rank returns that same error, and the buffers' contents are unspecified. Destroying it
// always works, without waiting for the peers.
//
// Invariants: 0 <= rank() < world_size(). Nothing of it has a name in the file system, so nothing
// is left of it however the processes end.
//
// Threading: one thread at a time may call collectives; Abort may be called from any thread. A
// thread of its own, with all signals blocked, watches the peers' processes. A forked child may
// destroy its copy, which does nothing, and must not use it otherwise.
class Communicator {
 public:
  // Meets the other ranks and maps the shared segment: 128 KiB * min(world_size, 8) for each rank.
  // A world of one needs nobody and ignores `rendezvous`.
  // Errors, the first four the same to all ranks that have come:
  //   kInvalidArgument    bad options, ranks that disagree on world_size, a rank or a leaf taken
  //                       twice (naming both), or a peer with another library version
  //   kDeadlineExceeded   naming the ranks that did not come within connect_timeout
  //   kAborted            naming a rank that ended meanwhile
  //   kResourceExhausted  memory (with the need in bytes) or descriptors cannot be had
  //   kPermissionDenied   a process of another user answers
  //   kUnimplemented      the kernel is older than Linux 5.3
  // A rank that comes after the others have failed waits for its own connect_timeout.
  static Result<std::unique_ptr<Communicator>> Create(const CommunicatorOptions& options);

  // Create with what `flexmig run` put into the environment: all ranks of the job. `tag` tells
  // several communicators of one job apart: at most 31 of the characters allowed in `rendezvous`.
  // FLEXMIG_TIMEOUT ("30min") sets `timeout`.
  // Errors: also kNotFound if this process was not started by `flexmig run`; kInvalidArgument
  // naming the variable if one is malformed.
  static Result<std::unique_ptr<Communicator>> FromEnvironment(const std::string& tag = "world");

  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int world_size() const = 0;

  // receive[i] = op over ranks of their send[i], for i < count.
  virtual Status AllReduce(const void* send, void* receive, size_t count, DataType type,
                           ReduceOp op) = 0;

  // receive[i] on every rank = send[i] of `root`; `send` is read on the root only and may be null
  // elsewhere.
  virtual Status Broadcast(const void* send, void* receive, size_t count, DataType type,
                           int root) = 0;

  // receive[r * count + i] on every rank = send[i] of rank r; `receive` holds
  // world_size() * count elements.
  virtual Status AllGather(const void* send, void* receive, size_t count, DataType type) = 0;

  // receive[i] = op over ranks of their send[rank() * count + i]; `send` holds
  // world_size() * count elements.
  virtual Status ReduceScatter(const void* send, void* receive, size_t count, DataType type,
                               ReduceOp op) = 0;

  // Returns when every rank has called it.
  virtual Status Barrier() = 0;

  // Makes this and every peer's pending and future collectives return kAborted with `reason`,
  // within 100 ms.
  virtual void Abort(const std::string& reason) = 0;

  // AllReduce in place for element types that have a DataType.
  template <typename T>
  Status AllReduce(std::span<T> data, ReduceOp op) {
    return AllReduce(data.data(), data.data(), data.size(), reduce::kDataTypeOf<T>, op);
  }
  template <typename T>
  Status Broadcast(std::span<T> data, int root) {
    return Broadcast(data.data(), data.data(), data.size(), reduce::kDataTypeOf<T>, root);
  }

 protected:
  Communicator() = default;
};

}  // namespace flexmig::coll
