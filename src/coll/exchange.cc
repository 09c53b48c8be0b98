#include "exchange.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "flexmig/base/deadline.h"
#include "flexmig/base/strings.h"
#include "flexmig/reduce/reduce.h"

namespace flexmig::coll {
namespace {

using Direction = Transfer::Direction;

// How long a group with several pending transfers may sleep on one of them: at first a millisecond,
// then an eighth of the time that it has waited already, so that long waits cost little (below 1 %
// of a processor) and short ones end soon.
constexpr std::chrono::milliseconds kFirstSlice(1);
constexpr int kSlicesOfWait = 8;

size_t BytesOf(const Transfer& transfer) {
  return transfer.count * reduce::ElementBytes(transfer.type);
}

}  // namespace

Status Exchanger::Run(std::span<const Transfer> transfers, bool in_call, Moves* moves) {
  states_.assign(transfers.size(), State{});
  BeginMoved(moves);
  FLEXMIG_RETURN_IF_ERROR(CopyOwn(transfers));
  const int spins = engine_.wait_policy().spins;
  int idle = 0;
  shm::SpinLimit limit;
  Deadline deadline = Deadline::After(engine_.timeout());
  Deadline yields_end = deadline;
  auto idle_since = Deadline::Clock::now();
  shm::Sleeper sleeper;
  SaidWaiting said(engine_.segment().rank_block(engine_.rank()));
  for (;;) {
    FLEXMIG_ASSIGN_OR_RETURN(const Pass pass, AdvanceAll(transfers));
    if (pass.pending == 0 && !is_copying()) {
      return moves == nullptr ? OkStatus() : moves->AwaitOuts();
    }
    if (pass.advanced) {
      idle = 0;
      sleeper.Leave();
      limit = shm::SpinLimit();
      continue;
    }
    if (++idle <= spins) {
      shm::PauseProcessor();
      if (limit.IsOver(idle)) idle = spins;
      continue;
    }
    if (idle == spins + 1) {
      deadline = Deadline::After(engine_.timeout());
      yields_end = Deadline::After(shm::kYieldTime);
      idle_since = Deadline::Clock::now();
    }
    FLEXMIG_RETURN_IF_ERROR(CheckPeers(transfers, in_call));
    if (is_copying()) {
      // Nobody wakes who waits for a copy.
      FLEXMIG_RETURN_IF_ERROR(engine_.status());
      if (deadline.HasPassed()) return FailLateCopies();
      CopyWait::PassTime(Deadline::Clock::now() - idle_since);
      continue;
    }
    const Waiting waiting = WaitingFor(transfers[pass.first]);
    said.Say(waiting);
    if (deadline.HasPassed()) {
      return engine_.FailLate(waiting);
    }
    if (yields_end.HasPassed()) {
      const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(
          Deadline::Clock::now() - idle_since);
      const auto slice = pass.pending > 1
                             ? std::clamp(waited / kSlicesOfWait, kFirstSlice, shm::kSleepSlice)
                             : shm::kSleepSlice;
      sleeper.SleepUnlessReached(CounterOf(engine_.segment(), engine_.rank(), waiting),
                                 waiting.target, deadline.Remaining(slice));
    } else {
      shm::YieldProcessor();
    }
  }
}

Status Exchanger::CopyOwn(std::span<const Transfer> transfers) {
  size_t receive = 0;
  const auto refuse = [&](size_t i, std::string_view why) {
    return engine_.Fail(
        InvalidArgumentError(StrCat("rank ", engine_.rank(), ", transfer ", i, ": ", why)));
  };
  const auto is_own = [&](size_t i, Direction direction) {
    return transfers[i].peer == engine_.rank() && transfers[i].direction == direction;
  };
  for (size_t send = 0; send < transfers.size(); ++send) {
    if (!is_own(send, Direction::kSend)) continue;
    while (receive < transfers.size() && !is_own(receive, Direction::kReceive)) ++receive;
    if (receive == transfers.size() || transfers[receive].count != transfers[send].count ||
        transfers[receive].type != transfers[send].type) {
      return refuse(send, "a message to itself has no receive of its count and type");
    }
    if (moves_ == nullptr) {
      reduce::CopyBytes(transfers[receive].data, transfers[send].data, BytesOf(transfers[send]));
    } else {
      FLEXMIG_RETURN_IF_ERROR(moves_->Within(static_cast<std::byte*>(transfers[receive].data),
                                             static_cast<const std::byte*>(transfers[send].data),
                                             BytesOf(transfers[send])));
    }
    states_[send].finished = states_[receive].finished = true;
    ++receive;
  }
  for (; receive < transfers.size(); ++receive) {
    if (is_own(receive, Direction::kReceive)) {
      return refuse(receive, "a receive from itself has no message");
    }
  }
  return OkStatus();
}

Result<Exchanger::Pass> Exchanger::AdvanceAll(std::span<const Transfer> transfers) {
  Pass pass;
  if (moves_ != nullptr) {
    FLEXMIG_ASSIGN_OR_RETURN(pass.advanced, PublishCopied());
  }
  uint64_t busy_sends = 0;  // bit r: an earlier message to rank r is under way
  uint64_t busy_receives = 0;
  for (size_t i = 0; i < transfers.size(); ++i) {
    if (states_[i].finished) continue;
    uint64_t& busy = transfers[i].direction == Direction::kSend ? busy_sends : busy_receives;
    const uint64_t bit = uint64_t{1} << transfers[i].peer;
    if ((busy & bit) == 0) {
      FLEXMIG_ASSIGN_OR_RETURN(const bool advanced, Advance(transfers[i], states_[i]));
      pass.advanced |= advanced;
      if (states_[i].finished) continue;
      busy |= bit;
    }
    if (pass.pending++ == 0) pass.first = i;
  }
  return pass;
}

Result<bool> Exchanger::Advance(const Transfer& transfer, State& state) {
  if (moves_ != nullptr) {
    if (transfer.direction == Direction::kSend) return BeginSends(transfer, state);
    return BeginReceives(transfer, state);
  }
  if (transfer.direction == Direction::kSend) return AdvanceSend(transfer, state);
  return AdvanceReceive(transfer, state);
}

bool Exchanger::AdvanceSend(const Transfer& transfer, State& state) {
  const auto peer = static_cast<size_t>(transfer.peer);
  shm::Segment& segment = engine_.segment();
  shm::Channel& channel = segment.channel(engine_.rank(), transfer.peer);
  const size_t bytes = BytesOf(transfer);
  const uint64_t taken = channel.taken.value.load(std::memory_order_acquire);
  bool advanced = false;
  while (!state.finished && written_[peer] < taken + shm::kMessageSlots) {
    const size_t piece =
        std::min<size_t>(segment.geometry().message_bytes, bytes - state.bytes_done);
    if (!state.begun) {
      channel.heads[written_[peer] % shm::kMessageSlots] = {transfer.count,
                                                            static_cast<uint64_t>(transfer.type)};
      state.begun = true;
    }
    reduce::CopyBytes(segment.message_slot(engine_.rank(), transfer.peer, written_[peer]),
                      static_cast<const std::byte*>(transfer.data) + state.bytes_done, piece);
    shm::Publish(channel.written, ++written_[peer]);
    state.bytes_done += piece;
    state.finished = state.bytes_done == bytes;
    advanced = true;
  }
  return advanced;
}

Result<bool> Exchanger::AdvanceReceive(const Transfer& transfer, State& state) {
  const auto peer = static_cast<size_t>(transfer.peer);
  shm::Segment& segment = engine_.segment();
  shm::Channel& channel = segment.channel(transfer.peer, engine_.rank());
  const size_t bytes = BytesOf(transfer);
  const uint64_t written = channel.written.value.load(std::memory_order_acquire);
  bool advanced = false;
  while (!state.finished && taken_[peer] < written) {
    if (!state.begun) {
      FLEXMIG_RETURN_IF_ERROR(CompareHead(transfer, taken_[peer]));
      state.begun = true;
    }
    const size_t piece =
        std::min<size_t>(segment.geometry().message_bytes, bytes - state.bytes_done);
    reduce::CopyBytes(static_cast<std::byte*>(transfer.data) + state.bytes_done,
                      segment.message_slot(transfer.peer, engine_.rank(), taken_[peer]), piece);
    shm::Publish(channel.taken, ++taken_[peer]);
    state.bytes_done += piece;
    state.finished = state.bytes_done == bytes;
    advanced = true;
  }
  return advanced;
}

Status Exchanger::CompareHead(const Transfer& transfer, uint64_t piece) {
  const shm::Channel& channel = engine_.segment().channel(transfer.peer, engine_.rank());
  const shm::MessageHead head = channel.heads[piece % shm::kMessageSlots];
  if (head.count == transfer.count && head.type == static_cast<uint64_t>(transfer.type)) {
    return OkStatus();
  }
  return engine_.Fail(InvalidArgumentError(
      StrCat("rank ", transfer.peer, " sends ", head.count, " elements of ",
             reduce::DataTypeName(static_cast<DataType>(head.type)), " to rank ", engine_.rank(),
             ", which receives ", transfer.count, " of ", reduce::DataTypeName(transfer.type))));
}

Status Exchanger::CheckPeers(std::span<const Transfer> transfers, bool in_call) const {
  for (size_t i = 0; i < transfers.size(); ++i) {
    if (states_[i].finished) continue;
    FLEXMIG_RETURN_IF_ERROR(engine_.CheckPeer(WaitingFor(transfers[i]), in_call));
  }
  return OkStatus();
}

Waiting Exchanger::WaitingFor(const Transfer& transfer) const {
  const auto peer = static_cast<size_t>(transfer.peer);
  if (transfer.direction == Direction::kReceive) {
    return {transfer.peer, Word::kWritten, taken_[peer] + 1};
  }
  const uint64_t next = written_[peer] + 1;
  return {transfer.peer, Word::kTaken, next - std::min<uint64_t>(next, shm::kMessageSlots)};
}

}  // namespace flexmig::coll
