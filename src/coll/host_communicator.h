#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/shm/peer_watcher.h"
#include "flexmig/shm/segment.h"

#include "call.h"
#include "engine.h"
#include "exchange.h"
#include "moves.h"
#include "operation.h"
#include "peer_buffers.h"
#include "selection.h"
#include "shared_regions.h"

namespace flexmig::coll {

// The Communicator over host memory: checks arguments, selects an algorithm, and owns what the
// algorithms work on.
class HostCommunicator final : public Communicator {
 public:
  // `segment` has a rank block for each rank and has a Selection as its settings; ranks
  // that are threads of one process may share it. `peers` are watched for their end, and may be
  // fewer than the other ranks. Errors: kResourceExhausted, as PeerWatcher::Start.
  static Result<std::unique_ptr<HostCommunicator>> Create(
      std::shared_ptr<shm::Segment> segment, const CommunicatorOptions& options,
      std::vector<shm::PeerWatcher::Peer> peers);
  ~HostCommunicator() override;
  HostCommunicator(const HostCommunicator&) = delete;
  HostCommunicator& operator=(const HostCommunicator&) = delete;

  // Finds out together with all other ranks whether they can read each other's memory: the first
  // collective of a communicator, without which it does without.
  Status Greet();

  [[nodiscard]] int rank() const override { return engine_.rank(); }
  [[nodiscard]] int world_size() const override { return engine_.world_size(); }
  [[nodiscard]] bool can_read_across() const { return can_read_across_; }

  using Communicator::AllReduce;
  using Communicator::Broadcast;
  Status AllReduce(const void* send, void* receive, size_t count, DataType type,
                   const Reduction& reduction) override;
  Status Reduce(const void* send, void* receive, size_t count, DataType type,
                const Reduction& reduction, int root) override;
  Status ReduceScatter(const void* send, void* receive, size_t count, DataType type,
                       const Reduction& reduction) override;
  Status AllGather(const void* send, void* receive, size_t count, DataType type) override;
  Status Gather(const void* send, void* receive, size_t count, DataType type, int root) override;
  Status Broadcast(const void* send, void* receive, size_t count, DataType type, int root) override;
  Status Scatter(const void* send, void* receive, size_t count, DataType type, int root) override;
  Status AllToAll(const void* send, void* receive, size_t count, DataType type) override;
  Status AllToAllV(const void* send, const VectorLayout& sends, void* receive,
                   const VectorLayout& receives, DataType type) override;
  Status Barrier() override;
  Status Exchange(std::span<const Transfer> transfers) override;

  Result<std::span<std::byte>> AllocateShared(size_t bytes) override;
  Status FreeShared(std::span<std::byte> memory) override;
  Result<std::unique_ptr<Communicator>> Split(int color, int key) override;
  Result<std::unique_ptr<Communicator>> Shrink(std::span<const int> excluded) override;

  void Abort(const std::string& reason) override;
  [[nodiscard]] Status status() const override { return engine_.status(); }

  void UseMover(Mover* mover) override { mover_ = mover; }
  [[nodiscard]] std::span<std::byte> staging() const override;

 private:
  // What a collective touches on this rank: how many parts of `count` elements each buffer has.
  struct Shape {
    Collective collective;
    size_t send_parts;
    size_t receive_parts;
  };

  HostCommunicator(std::shared_ptr<shm::Segment> segment, const CommunicatorOptions& options);

  // Begins the call and checks its arguments, which become `op`. Wrong ones end the communicator:
  // the other ranks would wait for a call that never comes.
  Status Begin(const Shape& shape, const void* send, void* receive, size_t count, DataType type,
               const Reduction& reduction, int root, Operation& op);
  // The first choice, before anything is announced. `parts`: of the larger buffer on any rank, and
  // of what a rank stages.
  [[nodiscard]] bool IsSmall(Collective collective, const Operation& op, size_t parts,
                             size_t staged_parts) const;
  // Announces where this rank's buffers are, and waits for all others'.
  Result<PeerBuffers> AnnounceBuffers(const Shape& shape, const Operation& op);
  [[nodiscard]] Algorithm SelectLarge(Collective collective, const Operation& op, size_t parts,
                                      bool buffers_shared) const;
  // Announces the call and lets `algorithm` move its data with the mover.
  using MovedAlgorithm = Status (*)(Engine&, Moves&, const Operation&);
  Status Moved(const Operation& op, MovedAlgorithm algorithm);
  // Waits for the copies of a call that has ended so; `status`.
  Status EndMoves(Moves& moves, const Status& status);
  // On checked transfers.
  Status RunTransfers(std::span<const Transfer> transfers, bool in_call);
  // Wrong ones end the communicator.
  Status CheckTransfers(std::span<const Transfer> transfers);
  [[nodiscard]] const Thresholds& ThresholdsFor(Collective collective) const {
    return (engine_.crowded() ? selection_.crowded : selection_.roomy).For(collective);
  }
  // A world of one: `parts` of one rank are those of all.
  Status Alone(const Operation& op, bool reduces);

  // An all-gather of one T a rank; `collective` tells what for. The result has world_size().
  template <typename T>
  Result<std::vector<T>> GatherFromAll(Collective collective, const T& own);
  // Create among some of these ranks, under a name derived from this communicator's; until one of
  // them dies, or `ends_too` and this communicator ends.
  Result<std::unique_ptr<Communicator>> Derive(const std::string& suffix,
                                               const std::vector<int>& members, bool ends_too);
  // What ends a meeting of these ranks (bit r: rank r): that one has died.
  [[nodiscard]] Status CheckAlive(uint64_t members) const;
  // `status`, which also ends this communicator if it is kAborted.
  Status EndIfAborted(const Status& status);

  // Constant after construction.
  const CommunicatorOptions options_;
  const Selection selection_;
  const int owner_process_;

  Engine engine_;
  SharedRegions regions_;
  Exchanger exchanger_;
  bool can_read_across_ = false;
  uint64_t derived_ = 0;         // regions and splits so far: part of their names
  uint64_t greeting_token_ = 0;  // read by the peers
  Mover* mover_ = nullptr;
  bool copies_did_not_end_ = false;  // into or out of the mapping, which has to stay

  // Last, so that it stops before anything that it uses goes.
  std::unique_ptr<shm::PeerWatcher> watcher_;
};

// Communicator::Create; an error of `interrupted`, which is asked while the others are waited for
// and may be empty, ends it.
Result<std::unique_ptr<Communicator>> CreateUnless(const std::function<Status()>& interrupted,
                                                   const CommunicatorOptions& options);

// How a segment for `world_size` ranks is cut; `chunk_bytes` as in CommunicatorOptions.
[[nodiscard]] shm::SegmentGeometry GeometryFor(int world_size, size_t chunk_bytes = 0);

}  // namespace flexmig::coll
