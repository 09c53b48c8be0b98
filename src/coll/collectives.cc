// The collectives of HostCommunicator: which buffers each has, and which algorithm moves them.

#include "flexmig/base/strings.h"

#include "algorithms.h"
#include "host_communicator.h"

namespace flexmig::coll {

Status HostCommunicator::Alone(const Operation& op, bool reduces) {
  if (reduces) {
    const void* const input = op.send;
    reduce::ReduceInputs(op.type, op.reduction.op, {&input, 1}, op.receive, op.count,
                         {&op.reduction.scalar, 1});
  } else {
    reduce::CopyBytes(op.receive, op.send, op.bytes());
  }
  engine_.Complete();
  return OkStatus();
}

Status HostCommunicator::Moved(const Operation& op, MovedAlgorithm algorithm) {
  FLEXMIG_RETURN_IF_ERROR(engine_.AwaitAnnouncementFree());
  WriteFactor(engine_, op);
  engine_.Announce();
  // Before any data moves, so that none moves into a call that differs.
  FLEXMIG_RETURN_IF_ERROR(engine_.AwaitAnnouncements());
  Moves moves(engine_, *mover_, /*in_call=*/true);
  return EndMoves(moves, algorithm(engine_, moves, op));
}

Status HostCommunicator::EndMoves(Moves& moves, const Status& status) {
  if (!status.ok() && !moves.End()) copies_did_not_end_ = true;
  return status;
}

Status HostCommunicator::AllReduce(const void* send, void* receive, size_t count, DataType type,
                                   const Reduction& reduction) {
  const Shape shape{Collective::kAllReduce, 1, 1};
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin(shape, send, receive, count, type, reduction, 0, op));
  if (mover_ != nullptr) return Moved(op, AllReduceMoved);
  if (world_size() == 1) return Alone(op, /*reduces=*/true);
  if (IsSmall(shape.collective, op, 1, 1)) return AllReduceSmall(engine_, op);
  FLEXMIG_ASSIGN_OR_RETURN(const PeerBuffers peers, AnnounceBuffers(shape, op));
  const bool shared = peers.all_send_shared() && peers.all_receive_shared();
  switch (SelectLarge(shape.collective, op, 1, shared)) {
    case Algorithm::kShared: return AllReduceShared(engine_, op, peers);
    case Algorithm::kPulled: return AllReducePulled(engine_, op, peers);
    default: return AllReduceStaged(engine_, op);
  }
}

Status HostCommunicator::Reduce(const void* send, void* receive, size_t count, DataType type,
                                const Reduction& reduction, int root) {
  const Shape shape{Collective::kReduce, 1, root == rank() ? size_t{1} : 0};
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin(shape, send, receive, count, type, reduction, root, op));
  if (mover_ != nullptr) return Moved(op, ReduceMoved);
  if (world_size() == 1) return Alone(op, /*reduces=*/true);
  if (IsSmall(shape.collective, op, 1, 1)) return ReduceSmall(engine_, op);
  FLEXMIG_ASSIGN_OR_RETURN(const PeerBuffers peers, AnnounceBuffers(shape, op));
  const bool shared = peers.all_send_shared() && peers.receive_shared(root);
  switch (SelectLarge(shape.collective, op, 1, shared)) {
    case Algorithm::kShared: return ReduceShared(engine_, op, peers);
    case Algorithm::kPulled: return ReducePulled(engine_, op, peers);
    default: return ReduceStaged(engine_, op);
  }
}

Status HostCommunicator::ReduceScatter(const void* send, void* receive, size_t count, DataType type,
                                       const Reduction& reduction) {
  const auto ranks = static_cast<size_t>(world_size());
  const Shape shape{Collective::kReduceScatter, ranks, 1};
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin(shape, send, receive, count, type, reduction, 0, op));
  if (mover_ != nullptr) return Moved(op, ReduceScatterMoved);
  if (ranks == 1) return Alone(op, /*reduces=*/true);
  if (IsSmall(shape.collective, op, ranks, ranks)) return ReduceScatterSmall(engine_, op);
  FLEXMIG_ASSIGN_OR_RETURN(const PeerBuffers peers, AnnounceBuffers(shape, op));
  switch (SelectLarge(shape.collective, op, ranks, peers.all_send_shared())) {
    case Algorithm::kShared: return ReduceScatterShared(engine_, op, peers);
    case Algorithm::kPulled: return ReduceScatterPulled(engine_, op, peers);
    default: return ReduceScatterStaged(engine_, op);
  }
}

Status HostCommunicator::AllGather(const void* send, void* receive, size_t count, DataType type) {
  const auto ranks = static_cast<size_t>(world_size());
  const Shape shape{Collective::kAllGather, 1, ranks};
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin(shape, send, receive, count, type, ReduceOp::kSum, 0, op));
  if (mover_ != nullptr) return Moved(op, AllGatherMoved);
  if (ranks == 1) return Alone(op, /*reduces=*/false);
  if (IsSmall(shape.collective, op, ranks, 1)) return AllGatherSmall(engine_, op);
  FLEXMIG_ASSIGN_OR_RETURN(const PeerBuffers peers, AnnounceBuffers(shape, op));
  if (SelectLarge(shape.collective, op, ranks, peers.all_send_shared()) == Algorithm::kStaged) {
    return AllGatherStaged(engine_, op);
  }
  return AllGatherPulled(engine_, op, peers);
}

Status HostCommunicator::Gather(const void* send, void* receive, size_t count, DataType type,
                                int root) {
  const auto ranks = static_cast<size_t>(world_size());
  const Shape shape{Collective::kGather, 1, root == rank() ? ranks : 0};
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin(shape, send, receive, count, type, ReduceOp::kSum, root, op));
  if (mover_ != nullptr) return Moved(op, GatherMoved);
  if (ranks == 1) return Alone(op, /*reduces=*/false);
  if (IsSmall(shape.collective, op, ranks, 1)) return GatherSmall(engine_, op);
  FLEXMIG_ASSIGN_OR_RETURN(const PeerBuffers peers, AnnounceBuffers(shape, op));
  const bool shared = peers.all_send_shared() || peers.receive_shared(root);
  if (SelectLarge(shape.collective, op, ranks, shared) == Algorithm::kStaged) {
    return GatherStaged(engine_, op);
  }
  return GatherPulled(engine_, op, peers);
}

Status HostCommunicator::Broadcast(const void* send, void* receive, size_t count, DataType type,
                                   int root) {
  const Shape shape{Collective::kBroadcast, root == rank() ? size_t{1} : 0, 1};
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin(shape, send, receive, count, type, ReduceOp::kSum, root, op));
  if (mover_ != nullptr) return Moved(op, BroadcastMoved);
  if (world_size() == 1) return Alone(op, /*reduces=*/false);
  if (IsSmall(shape.collective, op, 1, 1)) return BroadcastSmall(engine_, op);
  FLEXMIG_ASSIGN_OR_RETURN(const PeerBuffers peers, AnnounceBuffers(shape, op));
  switch (SelectLarge(shape.collective, op, 1, peers.send_shared(root))) {
    case Algorithm::kShared:
      if (peers.all_receive_shared()) return BroadcastShared(engine_, op, peers);
      return BroadcastPulled(engine_, op, peers);
    case Algorithm::kPulled: return BroadcastPulled(engine_, op, peers);
    default: return BroadcastStaged(engine_, op);
  }
}

Status HostCommunicator::Scatter(const void* send, void* receive, size_t count, DataType type,
                                 int root) {
  const auto ranks = static_cast<size_t>(world_size());
  const Shape shape{Collective::kScatter, root == rank() ? ranks : 0, 1};
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin(shape, send, receive, count, type, ReduceOp::kSum, root, op));
  if (mover_ != nullptr) return Moved(op, ScatterMoved);
  if (ranks == 1) return Alone(op, /*reduces=*/false);
  if (IsSmall(shape.collective, op, ranks, ranks)) return ScatterSmall(engine_, op);
  FLEXMIG_ASSIGN_OR_RETURN(const PeerBuffers peers, AnnounceBuffers(shape, op));
  if (SelectLarge(shape.collective, op, ranks, peers.send_shared(root)) == Algorithm::kStaged) {
    return ScatterStaged(engine_, op);
  }
  return ScatterPulled(engine_, op, peers);
}

Status HostCommunicator::AllToAll(const void* send, void* receive, size_t count, DataType type) {
  const auto ranks = static_cast<size_t>(world_size());
  const Shape shape{Collective::kAllToAll, ranks, ranks};
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin(shape, send, receive, count, type, ReduceOp::kSum, 0, op));
  if (mover_ != nullptr) return Moved(op, AllToAllMoved);
  if (ranks == 1) return Alone(op, /*reduces=*/false);
  if (IsSmall(shape.collective, op, ranks, ranks)) return AllToAllSmall(engine_, op);
  FLEXMIG_ASSIGN_OR_RETURN(const PeerBuffers peers, AnnounceBuffers(shape, op));
  if (SelectLarge(shape.collective, op, ranks, peers.all_send_shared()) == Algorithm::kStaged) {
    return AllToAllStaged(engine_, op);
  }
  return AllToAllPulled(engine_, op, peers);
}

Status HostCommunicator::AllToAllV(const void* send, const VectorLayout& sends, void* receive,
                                   const VectorLayout& receives, DataType type) {
  const auto ranks = static_cast<size_t>(world_size());
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(
      Begin({Collective::kAllToAllV, 0, 0}, send, receive, 0, type, ReduceOp::kSum, 0, op));
  for (const auto& list : {sends.counts, sends.offsets, receives.counts, receives.offsets}) {
    if (list.size() != ranks) return engine_.Refuse("counts or offsets are not one for each rank");
  }
  // It announces nothing; but records of calls are compared only as long as no rank is further
  // ahead than announcements let it be.
  FLEXMIG_RETURN_IF_ERROR(engine_.AwaitAnnouncementFree());
  // A null buffer stays null wherever its parts would be: CheckTransfers refuses one with elements.
  const auto part_of = [&](auto* buffer, size_t offset) {
    return buffer == nullptr ? buffer : buffer + offset * op.element;
  };
  std::array<Transfer, size_t{2} * shm::kMaxWorldSize> transfers;
  for (size_t rank = 0; rank < ranks; ++rank) {
    const int peer = static_cast<int>(rank);
    transfers[rank] =
        Transfer::Send(part_of(op.send, sends.offsets[rank]), sends.counts[rank], type, peer);
    transfers[ranks + rank] = Transfer::Receive(part_of(op.receive, receives.offsets[rank]),
                                                receives.counts[rank], type, peer);
  }
  FLEXMIG_RETURN_IF_ERROR(CheckTransfers({transfers.data(), 2 * ranks}));
  FLEXMIG_RETURN_IF_ERROR(RunTransfers({transfers.data(), 2 * ranks}, /*in_call=*/true));
  engine_.Complete();
  return OkStatus();
}

Status HostCommunicator::Barrier() {
  Operation op;
  FLEXMIG_RETURN_IF_ERROR(Begin({Collective::kBarrier, 0, 0}, nullptr, nullptr, 0,
                                DataType::kFloat32, ReduceOp::kSum, 0, op));
  FLEXMIG_RETURN_IF_ERROR(engine_.AwaitAnnouncementFree());
  engine_.Announce();
  FLEXMIG_RETURN_IF_ERROR(engine_.AwaitAnnouncements());
  engine_.Complete();
  return OkStatus();
}

Status HostCommunicator::Exchange(std::span<const Transfer> transfers) {
  FLEXMIG_RETURN_IF_ERROR(engine_.status());
  FLEXMIG_RETURN_IF_ERROR(CheckTransfers(transfers));
  return RunTransfers(transfers, /*in_call=*/false);
}

Status HostCommunicator::RunTransfers(std::span<const Transfer> transfers, bool in_call) {
  if (mover_ == nullptr) return exchanger_.Run(transfers, in_call);
  Moves moves(engine_, *mover_, in_call);
  return EndMoves(moves, exchanger_.Run(transfers, in_call, &moves));
}

Status HostCommunicator::CheckTransfers(std::span<const Transfer> transfers) {
  for (size_t i = 0; i < transfers.size(); ++i) {
    const Transfer& transfer = transfers[i];
    const auto refuse = [&](std::string_view why) {
      return engine_.Fail(
          InvalidArgumentError(StrCat("rank ", rank(), ", transfer ", i, ": ", why)));
    };
    if (!reduce::IsValid(transfer.type)) return refuse("invalid data type");
    if (transfer.peer < 0 || transfer.peer >= world_size()) {
      return refuse(StrCat("peer ", transfer.peer, " is not below the world size"));
    }
    if (transfer.count >= kMaxCount)
      return refuse(StrCat("a count of ", transfer.count, " is too large"));
    if (transfer.count > 0 && transfer.data == nullptr) return refuse("the buffer is null");
  }
  return OkStatus();
}

}  // namespace flexmig::coll
