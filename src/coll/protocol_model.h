#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "flexmig/base/strings.h"

// An exhaustive check of the protocol of engine.h at small sizes: two or three ranks, a ring of two
// announcements, two or three slots. A rank's program is a row of the single loads and stores that
// Engine's functions make for a row of calls; all orders of all ranks' loads and stores are tried.
// A read of a payload, a slot or a user's buffer checks that the data are of the step expected, so
// both a read that comes too early and a write before everybody has read is found, and so is a
// state in which nobody can go on.
//
// Counters only rise and waits are "at least", so a store that is seen late is a store made late:
// orders of the ranks' steps cover it, given that stores of one rank are seen in their order
// (release and acquire).
namespace flexmig::coll::model {

constexpr int kMaxRanks = 3;
constexpr int kAnnouncements = 2;  // shm::kAnnouncementsPerRank is 16
// As the static_assert in Engine::KnowCompleted asks for; shm::kCallRecordsPerRank is 64.
constexpr int kRecords = 2 * kAnnouncements + 2;
constexpr int kMaxSlots = 3;

// Ways in which the protocol would be wrong; and how many slots there are.
struct Design {
  int ranks = 2;
  int slots = 2;
  bool skips_await_slot = false;
  int announcements_early = 0;  // a ring entry is taken this many calls too early
  bool skips_completions = false;
  bool consumes_before_reading = false;
  int records = kRecords;
  bool unbounded_all_to_all_v = false;
};

// The words of one rank's block, slots and buffers. Data are the number of the call or of the step
// (+ 1) that they belong to.
struct Block {
  uint16_t next = 0;                                // not shared: where the rank is in its program
  std::array<uint8_t, kAnnouncements> announced{};  // Announcement::call
  std::array<uint8_t, kAnnouncements> payload{};
  uint8_t staged = 0;
  uint8_t reduced = 0;
  uint8_t consumed = 0;
  uint8_t completed = 0;
  std::array<uint8_t, kRecords> record{};   // CallRecord::what
  std::array<uint8_t, kMaxSlots> slot{};    // what was staged
  std::array<uint8_t, kMaxSlots> result{};  // what was reduced
  uint8_t buffer = 0;                       // the user's
  uint8_t messages = 0;                     // Channel::written, alike to all peers
  // Not shared: what Engine remembers, and what AwaitCompletions and AwaitSlotConsumed have found.
  uint8_t completed_by_all = 0;
  uint8_t consumed_by_all = 0;
  uint8_t least_completed = 0;
  uint8_t least_consumed = 0;
};
struct State {
  std::array<Block, kMaxRanks> ranks{};
  [[nodiscard]] std::string_view bytes(int count) const {
    static_assert(std::has_unique_object_representations_v<Block>);
    return {reinterpret_cast<const char*>(this), static_cast<size_t>(count) * sizeof(Block)};
  }
};

// Where a step finds its word in a Block.
struct Word {
  uint8_t offset = 0;
};
template <typename T>
inline Word At(T Block::*member, uint64_t index = 0) {
  static const Block block;
  const auto* begin = reinterpret_cast<const uint8_t*>(&block);
  const auto* field = reinterpret_cast<const uint8_t*>(&(block.*member));
  return {static_cast<uint8_t>(field - begin + static_cast<ptrdiff_t>(index))};
}

enum class Kind : uint8_t {
  // One access to shared memory each.
  kStore,          // own word = value
  kAwait,          // until the peer's word is at least value
  kRead,           // the peer's word has to be value
  kLeast,          // own word `other` = min(itself, the peer's word)
  kCompareRecord,  // the peer's and the own record of call `value` have to agree
  // The rank's own.
  kSet,            // own word = value
  kRaise,          // own word = max(itself, value)
  kRaiseTo,        // own word = max(itself, own word `other`)
  kJumpIfAtLeast,  // to `target` if own word + `extra` is at least value
  kJumpIfBelow,    // to `target` if own word is below value
};

struct Step {
  Kind kind = Kind::kStore;
  Word word{};
  Word other{};
  int peer = 0;
  uint8_t value = 0;
  uint8_t extra = 0;
  size_t target = 0;
  const char* what = "";  // for messages
};

// Writes the program of one rank. The functions up to Complete are those of Engine, and do their
// loads and stores in the same order.
class Program {
 public:
  Program(const Design& design, int rank) : design_(design), rank_(rank) {}

  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return design_.ranks; }

  void Begin() {
    ++call_;
    first_step_ = next_step_;
    Store(At(&Block::record, call_ % Records()), call_);
  }
  void AwaitAnnouncementFree() {
    const auto ring = static_cast<uint64_t>(kAnnouncements + design_.announcements_early);
    if (call_ <= ring) return;  // also what the condition below would say
    const size_t skip = Jump({.kind = Kind::kJumpIfAtLeast,
                              .word = At(&Block::completed_by_all),
                              .value = Number(call_),
                              .extra = Number(ring)});
    AwaitCompletions(call_ - ring);
    Land(skip);
  }
  void Announce() { Store(At(&Block::announced, call_ % kAnnouncements), call_); }
  void AwaitAnnouncement(int peer) {
    Await(peer, At(&Block::announced, call_ % kAnnouncements), call_, "announcement");
  }
  void AwaitAnnouncements() {
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer != rank_) AwaitAnnouncement(peer);
    }
    const size_t skip = Jump({.kind = Kind::kJumpIfAtLeast,
                              .word = At(&Block::completed_by_all),
                              .value = Number(call_),
                              .extra = 1});
    KnowCompleted(call_ - 1);
    const size_t end = Jump({.kind = Kind::kJumpIfAtLeast});
    Land(skip);
    Add({.kind = Kind::kSet, .word = At(&Block::completed_by_all), .value = Number(call_ - 1)});
    Add({.kind = Kind::kSet, .word = At(&Block::consumed_by_all), .value = Number(first_step_)});
    Land(end);
  }
  void AwaitCompletions(uint64_t call) {
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer != rank_) Await(peer, At(&Block::completed), call, "completion");
    }
    Add({.kind = Kind::kSet, .word = At(&Block::least_completed), .value = Number(call_ - 1)});
    Add({.kind = Kind::kSet, .word = At(&Block::least_consumed), .value = Number(next_step_)});
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer == rank_) continue;
      Least(peer, At(&Block::completed), At(&Block::least_completed));
      Least(peer, At(&Block::consumed), At(&Block::least_consumed));
    }
    RaiseConsumed();
    // least > completed_by_all_ ? KnowCompleted(least) : OkStatus()
    KnowCompleted(call_ - 1, /*up_to_least=*/true);
    Add({.kind = Kind::kSet, .word = At(&Block::least_completed)});  // fewer states
  }
  uint64_t TakeSteps(uint64_t steps) { return std::exchange(next_step_, next_step_ + steps); }
  void AwaitSlot(uint64_t step) {
    const auto slots = static_cast<uint64_t>(design_.slots);
    if (design_.skips_await_slot || step < slots) return;
    const size_t skip = Jump({.kind = Kind::kJumpIfAtLeast,
                              .word = At(&Block::consumed_by_all),
                              .value = Number(step + 1),
                              .extra = Number(slots)});
    // AwaitSlotConsumed
    AwaitEveryone(At(&Block::consumed), step - slots);
    Add({.kind = Kind::kSet, .word = At(&Block::least_consumed), .value = Number(next_step_)});
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer != rank_) Least(peer, At(&Block::consumed), At(&Block::least_consumed));
    }
    RaiseConsumed();
    Land(skip);
  }
  void Done(uint8_t Block::*stage, uint64_t step) { Store(At(stage), step + 1); }
  void AwaitRank(int peer, uint8_t Block::*stage, uint64_t step) {
    Await(peer, At(stage), step + 1, "stage");
  }
  void AwaitEveryone(Word stage, uint64_t step) {
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer != rank_) Await(peer, stage, step + 1, "everyone's stage");
    }
  }
  void Complete() {
    Store(At(&Block::consumed), next_step_);
    Store(At(&Block::completed), call_);
  }

  // Data.
  void WritePayload() { Store(At(&Block::payload, call_ % kAnnouncements), call_); }
  void ReadPayload(int peer) {
    Read(peer, At(&Block::payload, call_ % kAnnouncements), call_, "payload");
  }
  void WriteSlot(uint64_t step) { Store(At(&Block::slot, Slot(step)), step + 1); }
  void ReadSlot(int peer, uint64_t step) {
    Read(peer, At(&Block::slot, Slot(step)), step + 1, "slot");
  }
  void WriteResult(uint64_t step) { Store(At(&Block::result, Slot(step)), step + 1); }
  void ReadResult(int peer, uint64_t step) {
    Read(peer, At(&Block::result, Slot(step)), step + 1, "result");
  }
  void WriteBuffer() { Store(At(&Block::buffer), call_); }
  void ReadBuffer(int peer) { Read(peer, At(&Block::buffer), call_, "buffer"); }
  void SendToAll() { Store(At(&Block::messages), ++messages_); }
  void ReceiveFromAll() {
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer != rank_) Await(peer, At(&Block::messages), messages_, "message");
    }
  }
  template <typename Body>
  void ForPeers(const Body& body) {
    for (int peer = 0; peer < ranks(); ++peer) {
      if (peer != rank_) body(peer);
    }
  }
  [[nodiscard]] const Design& design() const { return design_; }
  [[nodiscard]] uint64_t call() const { return call_; }

 private:
  static uint8_t Number(uint64_t value) { return static_cast<uint8_t>(value); }
  [[nodiscard]] uint64_t Records() const { return static_cast<uint64_t>(design_.records); }
  [[nodiscard]] uint64_t Slot(uint64_t step) const {
    return step % static_cast<uint64_t>(design_.slots);
  }
  void Add(const Step& step) { steps_.push_back(step); }
  size_t Jump(const Step& step) {
    Add(step);
    return steps_.size() - 1;
  }
  void Land(size_t jump) { steps_[jump].target = steps_.size(); }
  void Store(Word word, uint64_t value) {
    Add({.kind = Kind::kStore, .word = word, .value = Number(value)});
  }
  void Await(int peer, Word word, uint64_t value, const char* what) {
    Add({.kind = Kind::kAwait, .word = word, .peer = peer, .value = Number(value), .what = what});
  }
  void Read(int peer, Word word, uint64_t value, const char* what) {
    Add({.kind = Kind::kRead, .word = word, .peer = peer, .value = Number(value), .what = what});
  }
  void Least(int peer, Word theirs, Word own) {
    Add({.kind = Kind::kLeast, .word = theirs, .other = own, .peer = peer});
  }
  void RaiseConsumed() {
    Add({.kind = Kind::kRaiseTo,
         .word = At(&Block::consumed_by_all),
         .other = At(&Block::least_consumed)});
    Add({.kind = Kind::kSet, .word = At(&Block::least_consumed)});  // fewer states
  }
  // `call`, or what least_completed says, which is no more.
  void KnowCompleted(uint64_t call, bool up_to_least = false) {
    for (uint64_t past = 1; past <= call; ++past) {
      const size_t known = Jump({.kind = Kind::kJumpIfAtLeast,
                                 .word = At(&Block::completed_by_all),
                                 .value = Number(past)});
      const size_t beyond = Jump({.kind = Kind::kJumpIfBelow,
                                  .word = At(&Block::least_completed),
                                  .value = up_to_least ? Number(past) : uint8_t{0}});
      for (int peer = 0; peer < ranks(); ++peer) {
        if (peer == rank_) continue;
        Add({.kind = Kind::kCompareRecord,
             .word = At(&Block::record, past % Records()),
             .peer = peer,
             .value = Number(past)});
      }
      Add({.kind = Kind::kSet, .word = At(&Block::completed_by_all), .value = Number(past)});
      if (past + 1 == call_) {
        Add({.kind = Kind::kRaise,
             .word = At(&Block::consumed_by_all),
             .value = Number(first_step_)});
      }
      Land(known);
      Land(beyond);
    }
  }

  const Design design_;
  const int rank_;
  std::vector<Step> steps_;
  uint64_t call_ = 0;
  uint64_t next_step_ = 0;
  uint64_t first_step_ = 0;
  uint64_t messages_ = 0;
};

// --- The search ---

struct Verdict {
  size_t states = 0;
  std::string error;  // of the first bad state found; empty if there is none
};

class Checker {
 public:
  using Calls = std::function<void(Program&)>;

  Checker(const Design& design, const Calls& calls) : ranks_(design.ranks) {
    for (int rank = 0; rank < ranks_; ++rank) {
      Program program(design, rank);
      calls(program);
      programs_.push_back(program.steps());
    }
  }

  Verdict Run() {
    State first;
    Settle(first);
    Visit(first);
    while (!open_.empty() && verdict_.error.empty()) {
      const State state = open_.back();
      open_.pop_back();
      bool moved = false;
      for (int rank = 0; rank < ranks_ && verdict_.error.empty(); ++rank) {
        const Step* step = StepOf(state, rank);
        if (step == nullptr || step->kind == Kind::kAwait) continue;  // Settle has tried
        moved = true;
        State next = state;
        Access(next, rank, *step);
        Settle(next);
        Visit(next);
      }
      if (!moved) ExpectEnd(state);
    }
    verdict_.states = seen_.size();
    return verdict_;
  }

 private:
  static uint8_t& Get(Block& block, Word word) {
    return reinterpret_cast<uint8_t*>(&block)[word.offset];
  }
  [[nodiscard]] const Step* StepOf(const State& state, int rank) const {
    const auto index = static_cast<size_t>(rank);
    const size_t next = state.ranks[index].next;
    return next < programs_[index].size() ? &programs_[index][next] : nullptr;
  }
  void Visit(const State& state) {
    if (seen_.insert(std::string(state.bytes(ranks_))).second) open_.push_back(state);
  }

  // Steps that commute with everything that other ranks do are not tried in all orders: the rank's
  // own, and waits that are over, for counters never fall.
  void Settle(State& state) {
    for (int rank = 0; rank < ranks_; ++rank) {
      Block& own = state.ranks[static_cast<size_t>(rank)];
      for (const Step* step = StepOf(state, rank); step != nullptr; step = StepOf(state, rank)) {
        if (step->kind == Kind::kAwait) {
          if (Get(state.ranks[static_cast<size_t>(step->peer)], step->word) < step->value) break;
          ++own.next;
        } else if (!Own(own, *step)) {
          break;
        }
      }
    }
  }
  // False if the step is not the rank's own.
  static bool Own(Block& own, const Step& step) {
    uint8_t& word = Get(own, step.word);
    bool jumps = false;
    switch (step.kind) {
      case Kind::kSet: word = step.value; break;
      case Kind::kRaise: word = std::max(word, step.value); break;
      case Kind::kRaiseTo: word = std::max(word, Get(own, step.other)); break;
      case Kind::kJumpIfAtLeast: jumps = word + step.extra >= step.value; break;
      case Kind::kJumpIfBelow: jumps = word < step.value; break;
      default: return false;
    }
    own.next = static_cast<uint16_t>(jumps ? step.target : own.next + size_t{1});
    return true;
  }
  void Access(State& state, int rank, const Step& step) {
    Block& own = state.ranks[static_cast<size_t>(rank)];
    const uint8_t theirs = Get(state.ranks[static_cast<size_t>(step.peer)], step.word);
    const auto fail = [&](std::string_view what, int found) {
      verdict_.error = StrCat("rank ", rank, ": ", what, " of rank ", step.peer, " should be of ",
                              static_cast<int>(step.value), " and is of ", found);
    };
    ++own.next;
    switch (step.kind) {
      case Kind::kStore: Get(own, step.word) = step.value; break;
      case Kind::kRead:
        if (theirs != step.value) fail(step.what, theirs);
        break;
      case Kind::kLeast: Get(own, step.other) = std::min(Get(own, step.other), theirs); break;
      case Kind::kCompareRecord:
        if (theirs != Get(own, step.word)) fail("record", theirs);
        break;
      default: break;
    }
  }
  void ExpectEnd(const State& state) {
    for (int rank = 0; rank < ranks_; ++rank) {
      const Step* step = StepOf(state, rank);
      if (step == nullptr) continue;
      verdict_.error = StrCat("deadlock: rank ", rank, " waits for ", step->what, " ",
                              static_cast<int>(step->value), " of rank ", step->peer);
    }
  }

  const int ranks_;
  std::vector<std::vector<Step>> programs_;
  std::unordered_set<std::string> seen_;
  std::vector<State> open_;
  Verdict verdict_;
};

}  // namespace flexmig::coll::model
