#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/shm/segment.h"
#include "flexmig/shm/wait.h"

#include "call.h"
#include "waiting.h"

namespace flexmig::coll {

// What all algorithms are made of: one rank's view of the order in which the ranks of a
// communicator write and read their segment. It moves no data itself.
//
// Calls. Every collective is a call, numbered from 1, alike on all ranks. A rank *begins* a call by
// publishing what it calls, may *announce* it to the others, with a payload of at most 232 bytes,
// and *completes* it, after which it reads nothing more of the others for it. An announcement is
// written again 16 calls later, when all ranks have completed the call that used it.
//
// Steps. Data that do not fit into an announcement pass through slots. Each use of a rank's slot is
// a step, numbered from 0 over all calls, alike on all ranks; step s uses slot s % slots_per_rank.
// For a step a rank has up to three things to do, and counts each in a counter, which holds s + 1
// once it is done for step s:
//   kStaged    its contribution lies in its slot,
//   kReduced   its part of the result lies there, in the place of its own contribution,
//   kConsumed  it has read all that it needs from the others' slots.
// A slot is written again when every rank has consumed the step that used it before.
//
// Whoever has seen every rank's announcement of a call knows that all have completed the calls
// before it, and consumed their steps. So collectives in which everybody waits for everybody, and
// which stay within 16 calls and one step, wait for nothing else.
//
// A rank that waits long says for whom (see waiting.h): the one that another waits for may itself
// be held up by a third, which is the one to name in an error.
//
// Threading: one owner, but for Fail and status().
class Engine {
 public:
  enum class Stage { kStaged, kReduced, kConsumed };

  // A rank stages step s + 2 before it collects step s, and the slowest rank may still collect.
  static constexpr uint32_t kPipelineDepth = 3;
  static constexpr size_t kPayloadBytes = sizeof(shm::Announcement::payload);
  // In front of inline data lies the factor of kPreMulSum. Up to 32 bytes they share the line of
  // the announcement's counter.
  static constexpr size_t kFactorBytes = 8;
  static constexpr size_t kInlineBytes = kPayloadBytes - kFactorBytes;

  // REQUIRES: 0 <= rank < world size of `segment`, which has kPipelineDepth slots or more.
  Engine(std::shared_ptr<shm::Segment> segment, int rank, std::chrono::milliseconds timeout);
  ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] shm::Segment& segment() const { return *segment_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int world_size() const { return world_size_; }
  [[nodiscard]] size_t slot_bytes() const { return slot_bytes_; }
  [[nodiscard]] size_t slots_per_rank() const { return slots_per_rank_; }
  // Of a slot that holds a piece for each rank: what there is for one, in whole lines.
  [[nodiscard]] size_t piece_bytes() const {
    return slot_bytes_ / static_cast<size_t>(world_size_) / shm::kLineBytes * shm::kLineBytes;
  }
  // A bit for each rank.
  [[nodiscard]] uint64_t all_ranks() const {
    return ~uint64_t{0} >> (shm::kMaxWorldSize - world_size_);
  }
  [[nodiscard]] std::chrono::milliseconds timeout() const { return timeout_; }
  [[nodiscard]] shm::WaitPolicy wait_policy() const { return wait_policy_; }
  // Whether the ranks have fewer processors than they are; the same on all.
  [[nodiscard]] bool crowded() const { return crowded_; }
  // Tells how many processors they have, all together. Until then: as many as this one.
  void SetProcessors(int processors);

  // --- One call ---

  // Every function that returns a Status returns what the communicator died of, if it has.
  Status Begin(const Call& call) {
    what_ = Encode(call);
    // Any bijection of (history, what) for a fixed other one that stirs well: 2^64 / the golden
    // ratio.
    history_ = (std::rotl(history_, 23) ^ what_) * 0x9e3779b97f4a7c15u;
    ++call_;
    first_step_ = next_step_;
    shm::CallRecord& record = own_block_.calls[call_ % shm::kCallRecordsPerRank];
    record.what.store(what_, std::memory_order_relaxed);
    record.call.store(call_, std::memory_order_release);  // pairs with the load in Differs
    if (segment_->failed()) return *segment_->failure();
    return OkStatus();
  }
  void Complete() {
    shm::Publish(own_block_.consumed, next_step_);
    shm::Publish(own_block_.completed, call_);
  }

  // Waits until this rank's announcement may be written.
  Status AwaitAnnouncementFree() {
    if (call_ <= completed_by_all_ + shm::kAnnouncementsPerRank) return OkStatus();
    return AwaitCompletions(call_ - shm::kAnnouncementsPerRank);
  }
  // Where to write, before Announce; where to read, after AwaitAnnouncement.
  [[nodiscard]] std::byte* payload(int rank) const { return AnnouncementOf(rank).payload; }
  void Announce() {
    shm::Announcement& own = AnnouncementOf(rank_);
    own.history = history_;
    shm::Publish(own.call, call_);
  }
  // Waits for another rank's announcement, and compares what it called.
  Status AwaitAnnouncement(int peer) {
    const shm::Announcement& theirs = AnnouncementOf(peer);
    if (theirs.call.value.load(std::memory_order_acquire) < call_) {
      FLEXMIG_RETURN_IF_ERROR(AwaitCounter(peer, Word::kAnnouncement, call_, /*everyone=*/false));
    }
    if (theirs.history != history_) return HistoriesDiffer(peer);
    return OkStatus();
  }
  // Waits for every other rank's.
  Status AwaitAnnouncements() {
    for (int peer = 0; peer < world_size_; ++peer) {
      if (peer == rank_) continue;
      const shm::Announcement& theirs = AnnouncementOf(peer);
      if (theirs.call.value.load(std::memory_order_acquire) < call_) {
        FLEXMIG_RETURN_IF_ERROR(AwaitCounter(peer, Word::kAnnouncement, call_, /*everyone=*/true));
      }
      if (theirs.history != history_) return HistoriesDiffer(peer);
    }
    // Those who have announced this call have completed the ones before.
    compared_ = call_;
    completed_by_all_ = call_ - 1;
    consumed_by_all_ = first_step_;
    return OkStatus();
  }
  // Waits until every rank has completed `call`, which is this or an earlier one. To be asked about
  // this one only after Complete.
  Status AwaitCompletions(uint64_t call);
  // Completes the call and waits until every rank has: for calls in which ranks read or write each
  // other's buffers, which their owners must not have back before.
  Status CompleteTogether() {
    Complete();
    return AwaitCompletions(call_);
  }
  // Leaves the calls so far out of the numbers that messages name: the user has not made them.
  void HideCalls() { hidden_calls_ = call_; }

  // --- Steps ---

  // Reserves the next `steps` steps for this call; the number of the first.
  uint64_t TakeSteps(uint64_t steps) {
    const uint64_t first = next_step_;
    next_step_ += steps;
    return first;
  }
  [[nodiscard]] std::byte* SlotOf(int rank, uint64_t step) const {
    return segment_->slot(rank, static_cast<uint32_t>(step % slots_per_rank_));
  }
  // Waits until this rank may write its slot of `step`.
  Status AwaitSlot(uint64_t step) {
    if (step < consumed_by_all_ + slots_per_rank_) return OkStatus();
    return AwaitSlotConsumed(step);
  }
  void Done(Stage stage, uint64_t step) { shm::Publish(CounterOf(rank_, stage), step + 1); }
  // Waits until `peer`, or every rank, has done `stage` of `step`.
  Status AwaitRank(int peer, Stage stage, uint64_t step) {
    if (CounterOf(peer, stage).value.load(std::memory_order_acquire) > step) return OkStatus();
    return AwaitCounter(peer, WordOf(stage), step + 1, /*everyone=*/false);
  }
  Status AwaitEveryone(Stage stage, uint64_t step) {
    for (int peer = 0; peer < world_size_; ++peer) {
      if (CounterOf(peer, stage).value.load(std::memory_order_acquire) > step) continue;
      if (peer == rank_) continue;
      FLEXMIG_RETURN_IF_ERROR(AwaitCounter(peer, WordOf(stage), step + 1, /*everyone=*/true));
    }
    return OkStatus();
  }

  // --- Small contributions, which one announcement covers: in it, or in a slot ---

  // Waits until this rank may write its contribution of `bytes`, of which each rank has as many.
  // REQUIRES: bytes <= slot_bytes().
  Status AwaitSmall(size_t bytes) {
    FLEXMIG_RETURN_IF_ERROR(AwaitAnnouncementFree());
    small_inline_ = bytes <= kInlineBytes;
    if (small_inline_) return OkStatus();
    small_step_ = TakeSteps(1);
    return AwaitSlot(small_step_);
  }
  // Where to write before Announce, and to read after AwaitAnnouncement.
  [[nodiscard]] std::byte* small(int rank) const {
    return small_inline_ ? payload(rank) + kFactorBytes : SlotOf(rank, small_step_);
  }

  // --- Messages, outside of the order of calls ---

  // What ends a wait: the communicator's end; that the peer has gone without raising its counter;
  // or, `in_call`, that it has begun another call.
  Status CheckPeer(const Waiting& waiting, bool in_call);

  // --- The end ---

  // Ends the communicator because what this rank waits for has not come within the timeout, naming
  // the rank that keeps it waiting in the end.
  Status FailLate(const Waiting& waiting);
  // Ends the communicator with `why` unless it has ended already; returns what it ended with.
  // From any thread.
  Status Fail(const Status& why);
  [[nodiscard]] Status status() const;
  // kInvalidArgument naming this rank and its call, which ends the communicator: the other ranks
  // would wait for a call that never comes.
  Status Refuse(std::string_view why);
  [[nodiscard]] std::string NameOf(int rank) const;
  [[nodiscard]] std::string CurrentCall() const;

 private:
  static Word WordOf(Stage stage) {
    return stage == Stage::kStaged    ? Word::kStaged
           : stage == Stage::kReduced ? Word::kReduced
                                      : Word::kConsumed;
  }

  [[nodiscard]] shm::Announcement& AnnouncementOf(int rank) const {
    return segment_->rank_block(rank).announcements[call_ % shm::kAnnouncementsPerRank];
  }
  [[nodiscard]] shm::Counter& CounterOf(int rank, Stage stage) const {
    return CounterOf(rank, WordOf(stage));
  }
  // REQUIRES: the word is none of a channel.
  [[nodiscard]] shm::Counter& CounterOf(int rank, Word word) const {
    return coll::CounterOf(*segment_, rank_, {rank, word, call_});
  }

  // The slow halves of the functions above.
  Status AwaitCounter(int peer, Word word, uint64_t target, bool everyone);
  Status AwaitSlotConsumed(uint64_t step);
  // Compares what the ranks called, up to `call`, which all have begun.
  Status CompareCalls(uint64_t call);
  // Names the call in which a peer's announcement says that it differs.
  Status HistoriesDiffer(int peer);
  Status CallsDiffer(int peer, uint64_t call, uint64_t theirs);
  // Whether `peer` has begun this rank's current call as another one.
  [[nodiscard]] bool Differs(int peer, uint64_t& theirs) const;
  // Ends the communicator for what `lost` cannot do any more.
  Status FailLost(int lost);

  // Constant after construction.
  const std::shared_ptr<shm::Segment> segment_;
  const int rank_;
  const int world_size_;
  const uint64_t slots_per_rank_;
  const size_t slot_bytes_;
  const std::chrono::milliseconds timeout_;
  shm::RankBlock& own_block_;

  shm::WaitPolicy wait_policy_;
  bool crowded_ = false;

  uint64_t call_ = 0;
  uint64_t what_ = 0;
  uint64_t history_ = 0;
  uint64_t next_step_ = 0;
  uint64_t first_step_ = 0;        // of the current call
  uint64_t completed_by_all_ = 0;  // calls up to this one are completed by all ranks
  uint64_t compared_ = 0;          // what was called, up to this one, is the same on all ranks
  uint64_t consumed_by_all_ = 0;   // steps below this are consumed by all ranks
  uint64_t hidden_calls_ = 0;
  uint64_t small_step_ = 0;
  bool small_inline_ = true;

  // Guards this rank's failure record: Abort may come from another thread.
  std::mutex failure_mutex_;
};

}  // namespace flexmig::coll
