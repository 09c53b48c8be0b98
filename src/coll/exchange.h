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
  // engine, so that one which is not can be told.
  Status Run(std::span<const Transfer> transfers, bool in_call);

 private:
  struct State {
    size_t bytes_done = 0;
    bool begun = false;  // its head has been sent, or received and compared
    bool finished = false;
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
  // Errors: as Engine::CheckPeer, for the peers of all transfers that are not finished.
  Status CheckPeers(std::span<const Transfer> transfers, bool in_call) const;
  // For the transfer's next piece.
  [[nodiscard]] Waiting WaitingFor(const Transfer& transfer) const;

  Engine& engine_;
  std::vector<State> states_;  // of the current group; kept so that groups do not allocate
  std::array<uint64_t, shm::kMaxWorldSize> written_{};  // pieces to each rank
  std::array<uint64_t, shm::kMaxWorldSize> taken_{};    // pieces from each rank
};

}  // namespace flexmig::coll
