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
// Where a mover copies, each rank has two more rows, for its copies in and out, which go on at any
// time after they have been started.
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
// Of a rank: its own steps, its copies in and its copies out.
constexpr int kLanes = 3;
enum Lane : uint8_t { kOwnLane, kInLane, kOutLane };

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
  // With a mover:
  bool stages_before_copied = false;
  bool consumes_before_copied = false;
  bool forgets_own_copies = false;  // when it writes its slot again
  bool hoards_slots = false;        // a rank that only receives tells of them as late as others
};

// The words of one rank's block, slots and buffers. Data are the number of the call or of the step
// (+ 1) that they belong to.
struct Block {
  std::array<uint16_t, kLanes> next{};              // not shared: where the rank is in its programs
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
  // Copies that the rank has started and its mover has made, in and out.
  uint8_t started_in = 0;
  uint8_t started_out = 0;
  uint8_t done_in = 0;
  uint8_t done_out = 0;
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

  [[nodiscard]] const std::vector<Step>& steps(Lane lane) const { return steps_[lane]; }
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

  // Copies that a mover makes later; they are numbered from 1 in each direction.
  uint64_t StartIn(uint64_t step) {
    Start(At(&Block::started_in), ++copies_in_);
    Await(rank_, At(&Block::started_in), copies_in_, "start", kInLane);
    Store(At(&Block::slot, Slot(step)), step + 1, kInLane);
    // In the place of what was reduced there before.
    Store(At(&Block::result, Slot(step)), 0, kInLane);
    Add({.kind = Kind::kSet, .word = At(&Block::done_in), .value = Number(copies_in_)}, kInLane);
    return copies_in_;
  }
  uint64_t StartOut(int peer, std::array<uint8_t, kMaxSlots> Block::*from, uint64_t step) {
    Start(At(&Block::started_out), ++copies_out_);
    Await(rank_, At(&Block::started_out), copies_out_, "start", kOutLane);
    Read(peer, At(from, Slot(step)), step + 1, "copied slot", kOutLane);
    Add({.kind = Kind::kSet, .word = At(&Block::done_out), .value = Number(copies_out_)}, kOutLane);
    return copies_out_;
  }
  void AwaitIn(uint64_t copy) { Await(rank_, At(&Block::done_in), copy, "copy in"); }
  void AwaitOut(uint64_t copy) { Await(rank_, At(&Block::done_out), copy, "copy out"); }
  [[nodiscard]] uint64_t copies_out() const { return copies_out_; }

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
  void Add(const Step& step, Lane lane = kOwnLane) { steps_[lane].push_back(step); }
  size_t Jump(const Step& step) {
    Add(step);
    return steps_[kOwnLane].size() - 1;
  }
  void Land(size_t jump) { steps_[kOwnLane][jump].target = steps_[kOwnLane].size(); }
  void Store(Word word, uint64_t value, Lane lane = kOwnLane) {
    Add({.kind = Kind::kStore, .word = word, .value = Number(value)}, lane);
  }
  void Await(int peer, Word word, uint64_t value, const char* what, Lane lane = kOwnLane) {
    Add({.kind = Kind::kAwait, .word = word, .peer = peer, .value = Number(value), .what = what},
        lane);
  }
  void Read(int peer, Word word, uint64_t value, const char* what, Lane lane = kOwnLane) {
    Add({.kind = Kind::kRead, .word = word, .peer = peer, .value = Number(value), .what = what},
        lane);
  }
  // Only the rank's own copies look at it, at any later time.
  void Start(Word started, uint64_t copy) {
    Add({.kind = Kind::kSet, .word = started, .value = Number(copy)});
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
  std::array<std::vector<Step>, kLanes> steps_;
  uint64_t copies_in_ = 0;
  uint64_t copies_out_ = 0;
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
      for (const Lane lane : {kOwnLane, kInLane, kOutLane}) {
        programs_.push_back(program.steps(lane));
      }
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
      for (int row = 0; row < rows() && verdict_.error.empty(); ++row) {
        const Step* step = StepOf(state, row);
        if (step == nullptr || step->kind == Kind::kAwait) continue;  // Settle has tried
        moved = true;
        State next = state;
        Access(next, row, *step);
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
  [[nodiscard]] int rows() const { return ranks_ * kLanes; }
  static Block& BlockOf(State& state, int row) {
    return state.ranks[static_cast<size_t>(row / kLanes)];
  }
  static uint16_t& NextOf(State& state, int row) {
    return BlockOf(state, row).next[static_cast<size_t>(row % kLanes)];
  }
  [[nodiscard]] const Step* StepOf(const State& state, int row) const {
    const auto index = static_cast<size_t>(row);
    const size_t next = state.ranks[index / kLanes].next[index % kLanes];
    return next < programs_[index].size() ? &programs_[index][next] : nullptr;
  }
  void Visit(const State& state) {
    if (seen_.insert(std::string(state.bytes(ranks_))).second) open_.push_back(state);
  }

  // Steps that commute with everything that other ranks do are not tried in all orders: the rank's
  // own, and waits that are over, for counters never fall.
  void Settle(State& state) {
    // What a rank starts, and what its mover has done, ends waits of the other.
    for (bool moved = true; moved;) {
      moved = false;
      for (int row = 0; row < rows(); ++row) {
        for (const Step* step = StepOf(state, row); step != nullptr; step = StepOf(state, row)) {
          if (step->kind == Kind::kAwait) {
            if (Get(state.ranks[static_cast<size_t>(step->peer)], step->word) < step->value) break;
            ++NextOf(state, row);
          } else if (!Own(BlockOf(state, row), NextOf(state, row), *step)) {
            break;
          }
          moved = true;
        }
      }
    }
  }
  // False if the step is not the rank's own.
  static bool Own(Block& own, uint16_t& next, const Step& step) {
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
    next = static_cast<uint16_t>(jumps ? step.target : next + size_t{1});
    return true;
  }
  void Access(State& state, int row, const Step& step) {
    Block& own = BlockOf(state, row);
    const uint8_t theirs = Get(state.ranks[static_cast<size_t>(step.peer)], step.word);
    const auto fail = [&](std::string_view what, int found) {
      verdict_.error = StrCat("rank ", row / kLanes, ": ", what, " of rank ", step.peer,
                              " should be of ", static_cast<int>(step.value), " and is of ", found);
    };
    ++NextOf(state, row);
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
    for (int row = 0; row < rows(); ++row) {
      const Step* step = StepOf(state, row);
      if (step == nullptr) continue;
      verdict_.error = StrCat("deadlock: rank ", row / kLanes, " waits for ", step->what, " ",
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
