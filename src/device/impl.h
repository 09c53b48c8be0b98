#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flexmig/coll/communicator.h"
#include "flexmig/cuda/driver.h"
#include "flexmig/device/device_communicator.h"

#include "bounce_memory.h"
#include "executor.h"
#include "operation_queue.h"
#include "pinned_region.h"
#include "pinned_words.h"
#include "settings.h"
#include "stream_gate.h"
#include "worker.h"

namespace flexmig::device {

// What a DeviceCommunicator is made of. Callers' threads put operations into streams and the queue
// (enqueue.cc), the worker runs them.
//
// Locks: enqueue_mutex_ is held while the driver may block on a full stream; the worker, which
// empties it, never takes it.
class DeviceCommunicator::Impl {
 public:
  // The second half of Create, which the ranks of `communicator` do together.
  static Result<std::unique_ptr<Impl>> Create(const cuda::Driver& driver, cuda::Context context,
                                              const cuda::DeviceFacts& device,
                                              std::unique_ptr<coll::Communicator> communicator,
                                              std::chrono::milliseconds timeout);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Whether this is a forked child, which has neither the driver nor the worker. Then this object
  // must not be destroyed: its condition variable would wait for the worker that sleeps on it.
  [[nodiscard]] bool IsCopyOfParent() const;

  [[nodiscard]] int rank() const { return communicator_->rank(); }
  [[nodiscard]] int world_size() const { return communicator_->world_size(); }
  [[nodiscard]] const cuda::DeviceFacts& device() const { return device_; }
  [[nodiscard]] const std::vector<int>& sharing() const { return sharing_; }

  Status Enqueue(const Operation& operation, cuda::Stream stream);
  Status Drain(Deadline deadline);
  // Runs `derive` in the worker, behind what has been enqueued, and makes a communicator of what it
  // gives; nullptr for nullptr.
  using Derived = Result<std::unique_ptr<coll::Communicator>>;
  Result<std::unique_ptr<Impl>> Derive(const std::function<Derived(coll::Communicator&)>& derive);
  void Abort(const std::string& reason);
  [[nodiscard]] Status status() const;

 private:
  Impl(const cuda::Driver& driver, cuda::Context context, const cuda::DeviceFacts& device,
       std::unique_ptr<coll::Communicator> communicator, std::chrono::milliseconds timeout);

  // Of Create, in this order.
  Status Pin();
  Status MeetDevices();
  Status ChooseSmallPath();
  Status StartWorker();

  // Of Enqueue.
  Status CheckPointers(const Operation& operation) const;
  Status CheckPointer(const char* what, const void* pointer) const;
  // A world of one, where nothing is combined: copies in the stream.
  [[nodiscard]] bool IsCopy(const Operation& operation) const;
  Status EnqueueCopies(const Operation& operation, cuda::Stream stream) const;
  Status EnqueueEager(const std::shared_ptr<QueuedOperation>& queued, cuda::Stream stream);
  Status EnqueueCaptured(const std::shared_ptr<QueuedOperation>& queued, cuda::Stream stream,
                         uint64_t capture);
  // Whether the stream is to move a small operation's bytes itself, and by the kernel.
  [[nodiscard]] static bool MovesInStream(const QueuedOperation& queued);
  [[nodiscard]] bool MovesByKernel(const QueuedOperation& queued) const;
  // Ends the communicator: a stream waits for what will not come, or the other way round.
  Status FailInStream(const Status& why);

  // The worker's.
  void Run(QueuedOperation& queued);
  bool Look();

  // Ends the communicator here and for all ranks, unless it has ended already.
  void Fail(const Status& why);
  [[nodiscard]] bool has_failed() const { return failed_.load(std::memory_order_acquire); }
  // Of the destructor: whether no stream uses the memory of this object any more.
  bool AwaitStreams(Deadline deadline);
  // Gives back what is pinned, by a thread that is left to itself if it takes longer.
  void Unpin(Deadline deadline);

  // Constant after Create.
  const cuda::Driver& driver_;
  const cuda::Context context_;
  const cuda::DeviceFacts device_;
  const std::chrono::milliseconds timeout_;
  const int owner_process_;
  Settings settings_;
  std::optional<StreamGate> gate_;
  bool has_kernel_ = false;  // and is to use it
  std::vector<int> sharing_;
  shm::WaitPolicy wait_policy_;

  // Used by the worker, and before and after it lives.
  std::unique_ptr<coll::Communicator> communicator_;
  PinnedRegion staging_;  // of communicator_
  std::unique_ptr<Executor> executor_;
  // Eager operations that were dropped before their streams had reached them.
  std::vector<OperationWords> dropped_;

  OperationQueue queue_;

  std::mutex enqueue_mutex_;  // guards what follows
  std::unique_ptr<EagerWords> words_;
  uint64_t next_number_ = 1;
  BounceRing bounces_;
  std::unique_ptr<CapturedBounces> captured_bounces_;

  std::atomic<uint64_t> finished_number_ = 0;  // eager operations up to this one are done
  std::atomic<bool> runs_captured_ = false;

  std::atomic<bool> failed_ = false;
  mutable std::mutex failure_mutex_;
  Status failure_;

  // Last, so that it stops before anything that it uses goes.
  std::unique_ptr<Worker> worker_;
};

}  // namespace flexmig::device
