#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/base/strong_id.h"
#include "flexmig/reduce/reduce.h"
#include "flexmig/reduce/types.h"

namespace flexmig::coll {

class Mover;

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
  // What only the ranks know. They prove to each other that they do before anything is shared, and
  // it is never sent; who does not know it is turned away. "" for none. At most 128 bytes.
  std::string secret;
  // The leaf of this rank (MIG UUID), or "" for none; at most 127 characters. Two ranks that name
  // one leaf are refused.
  std::string leaf;
  // How long Create, AllocateShared, Split and Shrink may wait for the other ranks.
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(60);
  // Asked every 20 ms while Create waits for the other ranks: an error ends Create with it, on all
  // ranks that have come. May be empty. Called by the thread that calls Create, and not kept.
  std::function<Status()> interrupted;
  // How long a collective may wait for a peer's next step (FLEXMIG_TIMEOUT; default as torch's).
  std::chrono::milliseconds timeout = std::chrono::minutes(30);
  // For collectives through a Mover: the bytes of a slot, of which each rank has four, and beside
  // them as much for messages. 8 KiB to 4 MiB in whole pages of 4 KiB; 0: as is best for host
  // memory. Equal on all ranks, and in communicators derived from this one. 1 MiB makes a segment
  // of 64 MiB for 8 ranks and of 513 MiB for 64.
  size_t chunk_bytes = 0;
};

// How the ranks' elements become one.
struct Reduction {
  ReduceOp op = ReduceOp::kSum;
  // kPreMulSum: what this rank's elements are multiplied by before the sum; may differ from rank to
  // rank.
  reduce::Scalar scalar{};

  Reduction(ReduceOp op_in) : op(op_in) {}  // NOLINT: a ReduceOp is meant to do
  // `factor` has the C++ type of the call's DataType.
  template <typename T>
  static Reduction PreMulSum(T factor) {
    Reduction reduction(ReduceOp::kPreMulSum);
    reduction.scalar = reduce::Scalar::Of(factor);
    return reduction;
  }
};

// One message of a group: `count` elements to or from rank `peer`.
struct Transfer {
  enum class Direction : uint8_t { kSend, kReceive };

  Direction direction = Direction::kSend;
  int peer = 0;
  void* data = nullptr;  // only read if kSend
  size_t count = 0;
  DataType type = DataType::kFloat32;

  static Transfer Send(const void* data, size_t count, DataType type, int to) {
    return {Direction::kSend, to, const_cast<void*>(data), count, type};
  }
  static Transfer Receive(void* data, size_t count, DataType type, int from) {
    return {Direction::kReceive, from, data, count, type};
  }
};

// What an all-to-all with different counts moves: counts and offsets, in elements, for each rank.
struct VectorLayout {
  std::span<const size_t> counts;   // world_size() of them
  std::span<const size_t> offsets;  // likewise
};

// A group of processes on one host that exchange data in host memory through one shared segment.
//
// All ranks call the same collectives in the same order with matching arguments; a difference is
// kInvalidArgument on every rank, naming both. AllReduce, ReduceScatter, AllGather, AllToAll and
// Barrier return when every rank has called them; those with a root, and sends, may return before
// others have called. Results are bitwise equal on all ranks and from run to run, whatever the
// sizes and addresses of the buffers and whatever algorithm moves them: contributions are combined
// in rank order, types below 32 bits of floating point accumulated in float and rounded once
// (reduce.h says it all; integer averages truncate towards zero, integers wrap).
// In place is allowed where send and receive buffers are the same, or, where the counts differ,
// where this rank's part is in its own place (send == receive + rank * count for AllGather and
// Gather, receive == send + rank * count for ReduceScatter and Scatter). AllToAll is not in place.
// Buffers must not overlap otherwise. They need no alignment. Zero counts are allowed.
//
// Errors of every collective:
//   kAborted           a peer died or destroyed its communicator, or some rank called Abort;
//                      names the rank. Within 1 s of a death. What a rank contributed before its
//                      end still counts: a collective that needs no more of it succeeds.
//   kDeadlineExceeded  a peer made no progress within `timeout`; names the rank waited for.
//   kInvalidArgument   the ranks' calls differ, or the arguments contradict each other. Where a
//                      collective returns early, the difference may be found in a later one.
// After the first of these errors, on whichever rank, the communicator is dead: every later call
// on every rank returns that same error, and the buffers' contents are unspecified. Destroying it
// always works, without waiting for the peers.
//
// Invariants: 0 <= rank() < world_size(). Nothing of it has a name in the file system, so nothing
// is left of it however the processes end.
//
// Threading: one thread at a time may call collectives; Abort may be called from any thread.
// Different communicators are independent. A thread of its own, with all signals blocked, watches
// the peers' processes. A forked child may destroy its copy, which does nothing, and must not use
// it otherwise.
class Communicator {
 public:
  // Meets the other ranks and maps the shared segment (docs/formats/segment.md tells its size).
  // A world of one needs nobody and ignores `rendezvous`.
  // Errors, the first four the same to all ranks that have come:
  //   kInvalidArgument    bad options, ranks that disagree on world_size, a rank or a leaf taken
  //                       twice (naming both), or a peer with another library version
  //   kDeadlineExceeded   naming the ranks that did not come within connect_timeout
  //   kAborted            naming a rank that ended meanwhile
  //   kResourceExhausted  memory (with the need in bytes) or descriptors cannot be had
  //   kPermissionDenied   a process of another user answers, or one that does not know `secret`
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

  // --- Collectives. N is world_size(), `count` is in elements. ---

  // receive[i] = op over ranks of their send[i], for i < count.
  virtual Status AllReduce(const void* send, void* receive, size_t count, DataType type,
                           const Reduction& reduction) = 0;

  // The same on rank `root` only; `receive` may be null elsewhere.
  virtual Status Reduce(const void* send, void* receive, size_t count, DataType type,
                        const Reduction& reduction, int root) = 0;

  // receive[i] = op over ranks of their send[rank() * count + i]; `send` holds N * count elements.
  virtual Status ReduceScatter(const void* send, void* receive, size_t count, DataType type,
                               const Reduction& reduction) = 0;

  // receive[r * count + i] on every rank = send[i] of rank r; `receive` holds N * count elements.
  virtual Status AllGather(const void* send, void* receive, size_t count, DataType type) = 0;

  // The same on rank `root` only; `receive` may be null elsewhere.
  virtual Status Gather(const void* send, void* receive, size_t count, DataType type, int root) = 0;

  // receive[i] on every rank = send[i] of `root`; `send` is read on the root only and may be null
  // elsewhere.
  virtual Status Broadcast(const void* send, void* receive, size_t count, DataType type,
                           int root) = 0;

  // receive[i] = the root's send[rank() * count + i]; `send` holds N * count elements on the root
  // and may be null elsewhere.
  virtual Status Scatter(const void* send, void* receive, size_t count, DataType type,
                         int root) = 0;

  // receive[r * count + i] = rank r's send[rank() * count + i]; both hold N * count elements.
  virtual Status AllToAll(const void* send, void* receive, size_t count, DataType type) = 0;

  // receive[receives.offsets[r] + i] = rank r's send[its sends.offsets[rank()] + i], for
  // i < receives.counts[r], which has to be rank r's sends.counts[rank()].
  virtual Status AllToAllV(const void* send, const VectorLayout& sends, void* receive,
                           const VectorLayout& receives, DataType type) = 0;

  // Returns when every rank has called it.
  virtual Status Barrier() = 0;

  // --- Messages between two ranks. They are not collectives: other ranks take no part. ---

  // All of `transfers` at once, so that no order of them can deadlock. From one rank to another,
  // messages arrive in the order sent; the k-th send to a rank meets its k-th receive from here,
  // with the same count and type (else kInvalidArgument on both, naming both). A rank may send to
  // itself within a group. Returns when all that is to be received has come and all that is to be
  // sent may be overwritten: a send may return before its receive is called.
  virtual Status Exchange(std::span<const Transfer> transfers) = 0;
  Status Send(const void* data, size_t count, DataType type, int to) {
    const Transfer transfer = Transfer::Send(data, count, type, to);
    return Exchange({&transfer, 1});
  }
  Status Receive(void* data, size_t count, DataType type, int from) {
    const Transfer transfer = Transfer::Receive(data, count, type, from);
    return Exchange({&transfer, 1});
  }

  // --- Memory that all ranks map. ---

  // `bytes` of zeroed memory, aligned to a page, that the peers can read and write directly:
  // collectives on buffers within it need no staging copy, if all ranks' buffers of the call are in
  // such memory. To be called by all ranks in the same order, as a collective; `bytes` may differ
  // and be 0. It belongs to the communicator, which frees it when destroyed, or FreeShared.
  // Errors, the same on all ranks, after which the communicator can still be used:
  // kResourceExhausted naming rank and need; kDeadlineExceeded; kAborted. Not in children.
  virtual Result<std::span<std::byte>> AllocateShared(size_t bytes) = 0;

  // Frees what AllocateShared returned, on all ranks: a collective. kInvalidArgument, without harm
  // to the communicator, if `memory` is not what it returned to this rank.
  virtual Status FreeShared(std::span<std::byte> memory) = 0;

  // --- Buffers that the processor cannot read, such as a GPU's memory (mover.h). ---

  // From the next call on, buffers are memory that only `mover` can reach; nullptr: ordinary memory
  // again. Not owned; it has to stay until another one is set or the communicator destroyed. Has no
  // effect on Barrier, and none on what AllocateShared, FreeShared, Split and Shrink do; derived
  // communicators have none. The same on all ranks for each call: ranks that differ in it get
  // kInvalidArgument as for any difference, except in AllToAllV, Exchange, Send and Receive, where
  // each rank may choose.
  //
  // Every buffer's bytes go through the mover once each way at most, S being the bytes of `count`:
  // AllReduce S in, S out; Reduce S in, on the root S out; ReduceScatter N S in, S out; AllGather S
  // in, (N-1) S out; Gather on the others S in, on the root (N-1) S out; Broadcast on the root S
  // in, on the others S out; Scatter on the root (N-1) S in, on the others S out; AllToAll (N-1) S
  // in and out; messages to other ranks in, from them out. A rank's own part and its messages to
  // itself move within, or stay if they are in place.
  //
  // When a call returns, with whatever status, no copy of it is under way, unless it took longer to
  // end than the lesser of `timeout` and 10 s after the communicator's end, or IsDone failed: then
  // the shared mapping stays until the process ends, and the buffers must stay until the mover has
  // nothing under way. `timeout` also bounds how long the mover's copies may take at a time
  // (kDeadlineExceeded), and an error of the mover ends the communicator with that error.
  virtual void UseMover(Mover* mover) = 0;

  // The mapping that the mover copies to and from, which begins on a page: all of it, so that it
  // can be pinned at once. Constant while the communicator is there.
  [[nodiscard]] virtual std::span<std::byte> staging() const = 0;

  // --- Other communicators. ---

  // Communicators of those ranks that pass the same `color`, ordered by (key, rank); nullptr for a
  // negative color. A collective of all ranks. Errors: as Create's.
  virtual Result<std::unique_ptr<Communicator>> Split(int color, int key) = 0;

  // A communicator of all ranks but `excluded`, in the same order. Called by those only, in the
  // same order with the same ranks; works when this communicator is dead and the excluded ranks
  // are gone. Errors: as Create's; kInvalidArgument if `excluded` holds this rank, or no rank.
  virtual Result<std::unique_ptr<Communicator>> Shrink(std::span<const int> excluded) = 0;

  // Makes this and every peer's pending and future collectives return kAborted with `reason`,
  // within 100 ms.
  virtual void Abort(const std::string& reason) = 0;

  // OK, or what the communicator died of. Never waits; from any thread.
  [[nodiscard]] virtual Status status() const = 0;

  // --- For element types that have a DataType. Null or too short spans cannot be told apart from
  // zero counts: the count is the shorter buffer's. ---

  template <typename T>
  Status AllReduce(std::span<T> data, const Reduction& reduction) {
    return AllReduce(data.data(), data.data(), data.size(), reduce::kDataTypeOf<T>, reduction);
  }
  template <typename T>
  Status Broadcast(std::span<T> data, int root) {
    return Broadcast(data.data(), data.data(), data.size(), reduce::kDataTypeOf<T>, root);
  }

 protected:
  Communicator() = default;
};

}  // namespace flexmig::coll
