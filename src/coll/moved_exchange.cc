#include <algorithm>

#include "flexmig/reduce/types.h"

#include "exchange.h"

// Messages whose buffers a Mover reaches. A piece is begun when there is room for it, or when it
// has come; the peer is told of it when it has been copied.
namespace flexmig::coll {
namespace {

size_t BytesOf(const Transfer& transfer) {
  return transfer.count * reduce::ElementBytes(transfer.type);
}

}  // namespace

void Exchanger::BeginMoved(Moves* moves) {
  moves_ = moves;
  if (moves == nullptr) return;
  coming_in_.begun = written_;
  going_out_.begun = taken_;
}

Result<bool> Exchanger::BeginSends(const Transfer& transfer, State& state) {
  shm::Segment& segment = engine_.segment();
  shm::Channel& channel = segment.channel(engine_.rank(), transfer.peer);
  uint64_t& begun = coming_in_.begun[static_cast<size_t>(transfer.peer)];
  const size_t bytes = BytesOf(transfer);
  const uint64_t taken = channel.taken.value.load(std::memory_order_acquire);
  bool advanced = false;
  while (!state.finished && begun < taken + shm::kMessageSlots) {
    const size_t piece =
        std::min<size_t>(segment.geometry().message_bytes, bytes - state.bytes_done);
    if (!state.begun) {
      channel.heads[begun % shm::kMessageSlots] = {transfer.count,
                                                   static_cast<uint64_t>(transfer.type)};
      state.begun = true;
    }
    FLEXMIG_RETURN_IF_ERROR(
        moves_->In(segment.message_slot(engine_.rank(), transfer.peer, begun),
                   static_cast<const std::byte*>(transfer.data) + state.bytes_done, piece));
    FLEXMIG_RETURN_IF_ERROR(Append(coming_in_, Mover::Direction::kIn, transfer.peer));
    state.bytes_done += piece;
    state.finished = state.bytes_done == bytes;
    advanced = true;
  }
  return advanced;
}

Result<bool> Exchanger::BeginReceives(const Transfer& transfer, State& state) {
  shm::Segment& segment = engine_.segment();
  const shm::Channel& channel = segment.channel(transfer.peer, engine_.rank());
  uint64_t& begun = going_out_.begun[static_cast<size_t>(transfer.peer)];
  const size_t bytes = BytesOf(transfer);
  const uint64_t written = channel.written.value.load(std::memory_order_acquire);
  bool advanced = false;
  while (!state.finished && begun < written) {
    if (!state.begun) {
      FLEXMIG_RETURN_IF_ERROR(CompareHead(transfer, begun));
      state.begun = true;
    }
    const size_t piece =
        std::min<size_t>(segment.geometry().message_bytes, bytes - state.bytes_done);
    FLEXMIG_RETURN_IF_ERROR(moves_->Out(static_cast<std::byte*>(transfer.data) + state.bytes_done,
                                        segment.message_slot(transfer.peer, engine_.rank(), begun),
                                        piece));
    FLEXMIG_RETURN_IF_ERROR(Append(going_out_, Mover::Direction::kOut, transfer.peer));
    state.bytes_done += piece;
    state.finished = state.bytes_done == bytes;
    advanced = true;
  }
  return advanced;
}

Status Exchanger::Append(Copying& copying, Mover::Direction direction, int peer) {
  FLEXMIG_ASSIGN_OR_RETURN(const Mover::Mark mark, moves_->MarkSoFar(direction));
  // There is room: a rank has as many pieces under way to a peer as the channel has slots.
  copying.ring[(copying.first + copying.size) % copying.ring.size()] = {peer, mark};
  ++copying.size;
  ++copying.begun[static_cast<size_t>(peer)];
  return OkStatus();
}

Result<bool> Exchanger::PublishCopied() {
  bool advanced = false;
  const auto look = [&](Copying& copying, const auto& publish) -> Status {
    while (copying.size > 0) {
      const CopiedPiece& piece = copying.ring[copying.first];
      FLEXMIG_ASSIGN_OR_RETURN(const bool done, moves_->IsDone(piece.mark));
      if (!done) break;
      publish(piece.peer);
      copying.first = (copying.first + 1) % copying.ring.size();
      --copying.size;
      advanced = true;
    }
    return OkStatus();
  };
  FLEXMIG_RETURN_IF_ERROR(look(coming_in_, [&](int peer) {
    shm::Publish(engine_.segment().channel(engine_.rank(), peer).written,
                 ++written_[static_cast<size_t>(peer)]);
  }));
  FLEXMIG_RETURN_IF_ERROR(look(going_out_, [&](int peer) {
    shm::Publish(engine_.segment().channel(peer, engine_.rank()).taken,
                 ++taken_[static_cast<size_t>(peer)]);
  }));
  return advanced;
}

Status Exchanger::FailLateCopies() {
  return moves_->FailLate(coming_in_.size > 0 ? Mover::Direction::kIn : Mover::Direction::kOut);
}

}  // namespace flexmig::coll
