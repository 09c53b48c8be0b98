#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/coll/communicator.h"
#include "flexmig/shm/segment_layout.h"

#include "engine.h"
#include "moves.h"

namespace flexmig::coll {

// Messages between pairs of ranks, through the channels of the segment: each has a ring of four
// pieces, which the sender fills and the receiver empties. All transfers of a group go forward
// together, a piece at a time, so no order of them can deadlock; those with the same peer and
// direction keep theirs.
//
// Threading: one owner.
class Exchanger {
 public:
  explicit Exchanger(Engine& engine) : engine_(engine) {}

  // Communicator::Exchange, on checked transfers. `in_call`: all ranks are in the same call of the
  // engine, so that one which is not can be told. With `moves`, the buffers are a Mover's, and the
  // pieces are copied by it: several of them, for all transfers, are on their way at once. The
  // peers need not do likewise. On error, copies may be under way.
  Status Run(std::span<const Transfer> transfers, bool in_call, Moves* moves = nullptr);

 private:
  struct State {
    size_t bytes_done = 0;
    bool begun = false;  // its head has been sent, or received and compared
    bool finished = false;
  };
  // Pieces that are being copied in one direction, in order; of those before, peers know.
  struct CopiedPiece {
    int peer = 0;
    Mover::Mark mark;
  };
  struct Copying {
    std::array<CopiedPiece, size_t{shm::kMessageSlots} * shm::kMaxWorldSize> ring;
    size_t first = 0;
    size_t size = 0;
    std::array<uint64_t, shm::kMaxWorldSize> begun{};  // pieces to, or from, each rank
  };
  struct Pass {
    bool advanced = false;
    size_t pending = 0;  // transfers that could not go forward
    size_t first = 0;    // of these
  };

  // Moves messages of this rank to itself. kInvalidArgument if one has no counterpart.
  Status CopyOwn(std::span<const Transfer> transfers);
  Result<Pass> AdvanceAll(std::span<const Transfer> transfers);
  // As many pieces as there are, or as there is room for; whether that was any.
  Result<bool> Advance(const Transfer& transfer, State& state);
  bool AdvanceSend(const Transfer& transfer, State& state);
  Result<bool> AdvanceReceive(const Transfer& transfer, State& state);
  // kInvalidArgument if the message whose first piece is `piece` is not what is received.
  Status CompareHead(const Transfer& transfer, uint64_t piece);
  // The same with a mover, which copies the pieces begun (moved_exchange.cc).
  void BeginMoved(Moves* moves);
  Result<bool> BeginSends(const Transfer& transfer, State& state);
  Result<bool> BeginReceives(const Transfer& transfer, State& state);
  Status Append(Copying& copying, Mover::Direction direction, int peer);
  // Tells the peers of the pieces that have been copied; whether there were any.
  Result<bool> PublishCopied();
  [[nodiscard]] bool is_copying() const {
    return moves_ != nullptr && coming_in_.size + going_out_.size > 0;
  }
  Status FailLateCopies();
  // Errors: as Engine::CheckPeer, for the peers of all transfers that are not finished.
  Status CheckPeers(std::span<const Transfer> transfers, bool in_call) const;
  // For the transfer's next piece.
  [[nodiscard]] Waiting WaitingFor(const Transfer& transfer) const;

  Engine& engine_;
  std::vector<State> states_;  // of the current group; kept so that groups do not allocate
  std::array<uint64_t, shm::kMaxWorldSize> written_{};  // pieces to each rank
  std::array<uint64_t, shm::kMaxWorldSize> taken_{};    // pieces from each rank
  Moves* moves_ = nullptr;                              // of the current group
  Copying coming_in_;                                   // to be sent
  Copying going_out_;                                   // received
};

}  // namespace flexmig::coll
