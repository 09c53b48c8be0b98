#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/cuda/driver.h"

namespace flexmig::device {

using coll::DataType;
using coll::ReduceOp;
using coll::Transfer;

struct DeviceOptions {
  // `leaf` is filled in: the device's UUID if it is a MIG device. Ranks on one whole GPU are
  // allowed, and SharedDevices tells of them.
  coll::CommunicatorOptions communicator;
};

// How the ranks' elements become one.
struct DeviceReduction {
  coll::Reduction reduction = ReduceOp::kSum;
  // kPreMulSum: where the factor, of the call's type, lies in device memory; it is read in stream
  // order, when the operation begins. Null: it is in `reduction`.
  const void* device_scalar = nullptr;
};

// What is to be put into a stream. Null buffers are allowed where Communicator allows them.
struct Operation {
  enum class Kind : uint8_t {
    kAllReduce,
    kReduce,
    kReduceScatter,
    kAllGather,
    kGather,
    kBroadcast,
    kScatter,
    kAllToAll,
    kExchange,  // `transfers`
  };
  Kind kind = Kind::kAllReduce;
  const void* send = nullptr;
  void* receive = nullptr;
  size_t count = 0;  // as coll::Communicator counts
  DataType type = DataType::kFloat32;
  DeviceReduction reduction;
  int root = 0;
  std::vector<Transfer> transfers;
};

// coll::Communicator for buffers in a GPU's memory, in the order of CUDA streams.
//
// Every operation is put into a stream: it begins when all that was put there before is done, and
// what is put there later sees its result. Enqueue returns at once. Operations of one communicator
// run in the order in which they were enqueued, whatever their streams; that order has to be alike
// on all ranks. Streams that are being captured into a CUDA graph get the operation at every
// launch of the graph.
//
// How. The stream writes a word of pinned host memory when it reaches the operation, and waits for
// another one; a thread of this communicator sees the first, moves the data with copy engines and
// the host's processors (coll, with a coll::Mover), and writes the second. No SM is taken and no
// thread blocks in the driver. Small operations may use one small kernel instead (small_path.h).
//
// Bytes that cross the GPU's link for S bytes a rank and N ranks, large operations, each way:
// all-reduce S up, S down; reduce S up, S down on the root; reduce-scatter of parts S: N S up, S
// down; all-gather S up, (N-1) S down; broadcast S up on the root, S down on the others;
// all-to-all of parts S: (N-1) S both ways.
//
// Errors: an operation that fails ends the communicator, as coll::Communicator says; every stream
// that waits for it goes on, with unspecified data; status() tells. Enqueue returns errors of its
// arguments (kInvalidArgument, nothing enqueued) and what the communicator has died of.
//
// Threading: thread-safe.
class DeviceCommunicator {
 public:
  // Meets the other ranks (coll::Communicator::Create) with the current context's device, pins the
  // shared memory, and starts the thread.
  // Errors: also kUnimplemented if the device or driver lacks what is needed; kResourceExhausted,
  // with the limit, if memory cannot be pinned.
  static Result<std::unique_ptr<DeviceCommunicator>> Create(const cuda::Driver& driver,
                                                            const DeviceOptions& options);
  // Without waiting for peers: what has not run is dropped, as by Abort; Drain first. Device copies
  // that have begun are waited for, at most 10 s; if they do not end, their memory stays pinned and
  // mapped instead of being freed.
  ~DeviceCommunicator();
  DeviceCommunicator(const DeviceCommunicator&) = delete;
  DeviceCommunicator& operator=(const DeviceCommunicator&) = delete;

  [[nodiscard]] int rank() const;
  [[nodiscard]] int world_size() const;
  [[nodiscard]] const cuda::DeviceFacts& device() const;
  // Ranks, this one among them, that use the same whole GPU as this rank; empty if it has a MIG
  // device, or a GPU alone.
  [[nodiscard]] std::vector<int> SharedDevices() const;

  Status Enqueue(const Operation& operation, cuda::Stream stream);

  // Waits until all enqueued operations have run; streams that are never launched count as empty.
  // Errors: what the communicator has died of; kDeadlineExceeded.
  Status Drain(Deadline deadline);

  // As coll::Communicator's, behind all operations enqueued so far. They block; Abort ends them.
  // Split: nullptr for a negative color.
  Result<std::unique_ptr<DeviceCommunicator>> Split(int color, int key);
  Result<std::unique_ptr<DeviceCommunicator>> Shrink(std::span<const int> excluded);

  // All ranks' pending and future operations end with kAborted and `reason`, within 100 ms; the
  // streams that wait for them go on.
  void Abort(const std::string& reason);
  // OK, or what the communicator died of. Never waits.
  [[nodiscard]] Status status() const;

 private:
  class Impl;
  explicit DeviceCommunicator(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace flexmig::device
