#include "engine.h"

#include <bit>
#include <limits>
#include <utility>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::coll {

Engine::Engine(std::shared_ptr<shm::Segment> segment, int rank, std::chrono::milliseconds timeout)
    : segment_(std::move(segment)),
      rank_(rank),
      world_size_(segment_->geometry().world_size),
      slots_per_rank_(segment_->geometry().slots_per_rank),
      slot_bytes_(segment_->geometry().slot_bytes),
      timeout_(timeout),
      own_block_(segment_->rank_block(rank)) {
  FLEXMIG_CHECK(rank >= 0 && rank < world_size_);
  FLEXMIG_CHECK(slots_per_rank_ >= kPipelineDepth);
  SetProcessors(static_cast<int>(shm::AllowedProcessors().count()));
}

void Engine::SetProcessors(int processors) {
  crowded_ = world_size_ > processors;
  wait_policy_ = shm::WaitPolicy::For(world_size_, processors);
}

Status Engine::AwaitCounter(int peer, Word word, uint64_t target, bool everyone) {
  // A wait for everyone also ends when another rank than the one whose turn it is can never come,
  // or has called something else.
  const uint64_t needed = (everyone ? all_ranks() : uint64_t{1} << peer) & ~(uint64_t{1} << rank_);
  int lost = -1;
  int differing = -1;
  uint64_t theirs = 0;
  const Waiting waiting{peer, word, target};
  SaidWaiting said(own_block_);
  const auto interrupted = [&] {
    said.Say(waiting);
    if (segment_->failed()) return true;
    for (uint64_t rest = needed; rest != 0 && differing < 0; rest &= rest - 1) {
      const int rank = std::countr_zero(rest);
      if (Differs(rank, theirs)) differing = rank;
    }
    uint64_t gone = (segment_->dead_ranks() | segment_->departed_ranks()) & needed;
    for (; gone != 0 && lost < 0; gone &= gone - 1) {
      const int rank = std::countr_zero(gone);
      // Read after the bit: whatever the rank did before its end is counted.
      if (CounterOf(rank, word).value.load(std::memory_order_acquire) < target) lost = rank;
    }
    return lost >= 0 || differing >= 0;
  };
  switch (
      shm::WaitUntilAtLeast(CounterOf(peer, word), target, wait_policy_, timeout_, interrupted)) {
    case shm::WaitOutcome::kReached: return OkStatus();
    case shm::WaitOutcome::kTimedOut: return FailLate(waiting);
    case shm::WaitOutcome::kInterrupted: break;
  }
  if (differing >= 0) return CallsDiffer(differing, call_, theirs);
  return lost < 0 ? *segment_->failure() : FailLost(lost);
}

Status Engine::CheckPeer(const Waiting& waiting, bool in_call) {
  if (segment_->failed()) return *segment_->failure();
  uint64_t theirs = 0;
  if (in_call && Differs(waiting.peer, theirs)) return CallsDiffer(waiting.peer, call_, theirs);
  const uint64_t gone = segment_->dead_ranks() | segment_->departed_ranks();
  if ((gone >> waiting.peer & 1) == 0) return OkStatus();
  // Read after the bit: whatever the rank did before its end is counted.
  const shm::Counter& counter = coll::CounterOf(*segment_, rank_, waiting);
  if (counter.value.load(std::memory_order_acquire) >= waiting.target) return OkStatus();
  return FailLost(waiting.peer);
}

Status Engine::AwaitCompletions(uint64_t call) {
  for (int peer = 0; peer < world_size_; ++peer) {
    if (peer == rank_) continue;
    if (CounterOf(peer, Word::kCompleted).value.load(std::memory_order_acquire) >= call) continue;
    FLEXMIG_RETURN_IF_ERROR(AwaitCounter(peer, Word::kCompleted, call, /*everyone=*/true));
  }
  // The slowest may be further: then the next calls need not ask.
  uint64_t least = call_ - 1;
  uint64_t consumed = next_step_;
  for (int peer = 0; peer < world_size_; ++peer) {
    if (peer == rank_) continue;
    const shm::RankBlock& block = segment_->rank_block(peer);
    least = std::min(least, block.completed.value.load(std::memory_order_acquire));
    consumed = std::min(consumed, block.consumed.value.load(std::memory_order_acquire));
  }
  consumed_by_all_ = std::max(consumed_by_all_, consumed);
  completed_by_all_ = std::max(completed_by_all_, least);
  return CompareCalls(least);
}

Status Engine::AwaitSlotConsumed(uint64_t step) {
  FLEXMIG_RETURN_IF_ERROR(AwaitEveryone(Stage::kConsumed, step - slots_per_rank_));
  uint64_t consumed = std::numeric_limits<uint64_t>::max();
  for (int peer = 0; peer < world_size_; ++peer) {
    if (peer == rank_) continue;
    consumed =
        std::min(consumed, CounterOf(peer, Word::kConsumed).value.load(std::memory_order_acquire));
  }
  consumed_by_all_ = std::max(consumed_by_all_, std::min(consumed, next_step_));
  return OkStatus();
}

Status Engine::CompareCalls(uint64_t call) {
  // Records of calls this far back are still there: no rank is more than 16 calls ahead of the
  // completed ones, which are compared at least every 16 calls, and there are 64.
  static_assert(shm::kCallRecordsPerRank >= 3 * shm::kAnnouncementsPerRank);
  for (uint64_t past = compared_ + 1; past <= call; ++past) {
    const size_t index = past % shm::kCallRecordsPerRank;
    const uint64_t own = own_block_.calls[index].what.load(std::memory_order_relaxed);
    for (int peer = 0; peer < world_size_; ++peer) {
      const uint64_t theirs =
          segment_->rank_block(peer).calls[index].what.load(std::memory_order_relaxed);
      if (theirs != own) return CallsDiffer(peer, past, theirs);
    }
    compared_ = past;
  }
  return OkStatus();
}

Status Engine::HistoriesDiffer(int peer) {
  FLEXMIG_RETURN_IF_ERROR(CompareCalls(call_));
  return Fail(InvalidArgumentError(StrCat("the ranks' calls differ: ", NameOf(peer),
                                          " has another history than rank ", rank_, " at ",
                                          CurrentCall())));
}

bool Engine::Differs(int peer, uint64_t& theirs) const {
  const shm::CallRecord& record =
      segment_->rank_block(peer).calls[call_ % shm::kCallRecordsPerRank];
  // Pairs with the store in Begin.
  if (record.call.load(std::memory_order_acquire) != call_) return false;
  theirs = record.what.load(std::memory_order_relaxed);
  return theirs != what_;
}

Status Engine::CallsDiffer(int peer, uint64_t call, uint64_t theirs) {
  const uint64_t own =
      own_block_.calls[call % shm::kCallRecordsPerRank].what.load(std::memory_order_relaxed);
  const bool first = rank_ < peer;  // alike whichever of the two finds out
  return Fail(InvalidArgumentError(
      StrCat("the ranks' calls differ: call ", call - hidden_calls_, " of rank ",
             first ? rank_ : peer, " is ", Describe(Decode(first ? own : theirs)), ", of rank ",
             first ? peer : rank_, " is ", Describe(Decode(first ? theirs : own)))));
}

Status Engine::FailLost(int lost) {
  const bool departed = (segment_->departed_ranks() >> lost & 1) != 0;
  return Fail(AbortedError(StrCat(NameOf(lost), departed ? " destroyed its communicator" : " died",
                                  "; rank ", rank_, " needs it for ", CurrentCall())));
}

Status Engine::FailLate(const Waiting& waiting) {
  const std::vector<WaitLink> links = FollowWaits(*segment_, {rank_, waiting});
  const Word late = links.back().waiting.word;
  const std::string waiter = StrCat("rank ", links.back().rank);
  const std::string within = StrCat(" within ", timeout_.count(), " ms");
  std::string text = NameOf(links.back().waiting.peer);
  if (late == Word::kWritten) {
    text += StrCat(" did not send", within, " what ", waiter, " waits for");
  } else if (late == Word::kTaken) {
    text += StrCat(" did not receive", within, " what ", waiter, " sends it");
  } else {
    text += StrCat(" did not arrive", within, "; ", waiter, " waits for it");
  }
  for (size_t i = 0; i + 1 < links.size(); ++i) {
    text += i == 0 ? StrCat("; rank ", rank_, " waits for rank ") : ", that one for rank ";
    text += StrCat(links[i].waiting.peer);
  }
  if (late != Word::kWritten && late != Word::kTaken) {
    text += StrCat(links.size() > 1 ? ", in " : " in ", CurrentCall());
  }
  return Fail(DeadlineExceededError(std::move(text)));
}

Status Engine::Fail(const Status& why) {
  const std::lock_guard lock(failure_mutex_);
  if (!segment_->failed()) segment_->RecordFailure(rank_, why);
  return *segment_->failure();
}

Status Engine::status() const { return segment_->failed() ? *segment_->failure() : OkStatus(); }

Status Engine::Refuse(std::string_view why) {
  return Fail(InvalidArgumentError(StrCat("rank ", rank_, ", ", CurrentCall(), ": ", why)));
}

std::string Engine::CurrentCall() const {
  return StrCat("call ", call_ - hidden_calls_, ", ", Describe(Decode(what_)));
}

std::string Engine::NameOf(int rank) const {
  const int process = segment_->rank_block(rank).process_id.load(std::memory_order_relaxed);
  return StrCat("rank ", rank, " (process ", process, ")");
}

}  // namespace flexmig::coll
