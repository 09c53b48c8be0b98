#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/shm/peer_watcher.h"
#include "flexmig/shm/segment.h"
#include "flexmig/shm/wait.h"

#include "call.h"

namespace flexmig::coll {

// The Communicator over host memory.
//
// A collective is a row of *steps*, numbered from the communicator's first step on, alike on all
// ranks. In step s a rank has up to three things to do, and counts each in its own counter, which
// holds s + 1 once it is done for step s:
//   kStaged    its contribution lies in its slot s % slots_per_rank,
//   kReduced   its part of the result lies in that slot, in the place of its own contribution,
//   kFinished  it has read all that it needs from the others' slots.
// A slot is written again when every rank has finished the step that used it before. The first step
// of a call waits for every rank and compares what they called.
//
// Every rank waits for the same counters in the same order. So a rank that another one waits for is
// not itself held up by a third: naming it in an error is right.
//
// Invariants: step counters are monotonic; no rank is more than slots_per_rank steps ahead.
class HostCommunicator final : public Communicator {
 public:
  // `segment` has one rank block for each rank and at least kPipelineDepth slots; ranks that are
  // threads of one process may share it. `peers` are watched for their end, and may be fewer than
  // the other ranks. Errors: kResourceExhausted, as PeerWatcher::Start.
  static Result<std::unique_ptr<HostCommunicator>> Create(std::shared_ptr<shm::Segment> segment,
                                                          int rank,
                                                          std::vector<shm::PeerWatcher::Peer> peers,
                                                          std::chrono::milliseconds timeout);
  ~HostCommunicator() override;
  HostCommunicator(const HostCommunicator&) = delete;
  HostCommunicator& operator=(const HostCommunicator&) = delete;

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int world_size() const override { return world_size_; }

  using Communicator::AllReduce;
  using Communicator::Broadcast;
  Status AllReduce(const void* send, void* receive, size_t count, DataType type,
                   ReduceOp op) override;
  Status Broadcast(const void* send, void* receive, size_t count, DataType type, int root) override;
  Status AllGather(const void* send, void* receive, size_t count, DataType type) override;
  Status ReduceScatter(const void* send, void* receive, size_t count, DataType type,
                       ReduceOp op) override;
  Status Barrier() override;
  void Abort(const std::string& reason) override;

 private:
  enum Stage { kStaged = 0, kReduced = 1, kFinished = 2 };
  static_assert(kFinished < shm::kCountersPerRank);

  // A rank stages step s + 2 before it collects step s, and the slowest rank may still collect.
  static constexpr uint32_t kPipelineDepth = 3;

  using Inputs = std::array<const void*, shm::kMaxWorldSize>;

  HostCommunicator(std::shared_ptr<shm::Segment> segment, int rank,
                   std::chrono::milliseconds timeout);

  // Refuses the call if the communicator is dead or an argument is wrong, which kills it: the other
  // ranks would wait for a call that never comes. Else makes it the current call and publishes it
  // with the first step's kStaged.
  Status Begin(const Call& call, const void* send, const void* receive);

  // Waits until this rank may write its slot of `step`.
  Status AwaitSlot(uint64_t step);
  // Waits until `peer`, or every rank, has done `stage` of `step`.
  Status AwaitRank(int peer, Stage stage, uint64_t step);
  Status AwaitEveryone(Stage stage, uint64_t step);
  // Waits until every rank has staged the first step of the current call, and compares the calls.
  Status AwaitSameCall(uint64_t step);
  void Done(Stage stage, uint64_t step);

  // The first rank with its bit in `needed` that has ended or left without having brought its
  // counter to `target`; -1 if none.
  [[nodiscard]] int LostRank(uint64_t needed, Stage stage, uint64_t target) const;
  Status Await(int peer, bool everyone, Stage stage, uint64_t target);

  // Ends the communicator with `why` unless it has ended already; returns what it ended with.
  Status Fail(const Status& why);
  [[nodiscard]] std::string CurrentCall() const;
  [[nodiscard]] std::string NameOf(int rank) const;

  [[nodiscard]] std::byte* SlotOf(int rank, uint64_t step) const {
    return segment_->slot(rank, static_cast<uint32_t>(step % segment_->geometry().slots_per_rank));
  }
  [[nodiscard]] shm::Counter& CounterOf(int rank, Stage stage) const {
    return segment_->rank_block(rank).counters[stage];
  }

  Status AllReduceOneShot(const void* send, void* receive, const Call& call);
  Status AllReduceByOwners(const std::byte* send, std::byte* receive, const Call& call);

  // Constant after construction.
  const std::shared_ptr<shm::Segment> segment_;
  const int rank_;
  const int world_size_;
  const std::chrono::milliseconds timeout_;
  const shm::WaitPolicy wait_policy_;
  const int owner_process_;

  // Used by the thread that calls collectives.
  uint64_t next_step_ = 0;
  uint64_t calls_begun_ = 0;
  uint64_t finished_by_all_ = 0;  // steps below this are finished on every rank
  Call current_call_;

  // Guards this rank's failure record: Abort may come from another thread.
  std::mutex failure_mutex_;

  // Last, so that it stops before anything that it uses goes.
  std::unique_ptr<shm::PeerWatcher> watcher_;
};

// How a segment for `world_size` ranks is cut: four slots of 32 KiB a rank, at most 256 KiB each,
// so that the chunks in flight of four ranks (2 MiB) stay in the level-2 caches of two cores.
[[nodiscard]] shm::SegmentGeometry DefaultGeometry(int world_size);

// memcpy that takes a null pointer with zero bytes, and skips a copy onto itself.
void CopyBytes(void* to, const void* from, size_t bytes);

}  // namespace flexmig::coll
