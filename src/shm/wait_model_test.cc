#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include <gtest/gtest.h>

// An exhaustive check that no wake-up of Publish and Sleeper (wait.h) is lost, on
// processors that keep stores in a buffer of their own, first in first out, while later loads go
// ahead (x86). Every order of every step of a publisher and two sleepers is tried; here a sleep has
// no end of its own.
namespace flexmig::shm {
namespace {

// A wait with a Sleeper, a step for each line of it.
enum class Step : uint8_t {
  kCount,      // sleepers.fetch_add, a locked instruction
  kFenceAll,   // Membarrier: empties the store buffers of all processors
  kLook,       // value.load; goes to kUncount if the target is reached
  kFutexWait,  // the kernel compares with what was seen, and queues, under one lock; then kLook
  kUncount,    // sleepers.fetch_sub; the wait is over
};

struct Design {
  bool publisher_fences = false;  // Publish by exchange, where fences do not arrive
  std::vector<Step> sleep = {Step::kCount, Step::kFenceAll, Step::kLook, Step::kFutexWait,
                             Step::kUncount};

  // The step after the steps of `sleep` if it has no such one.
  [[nodiscard]] uint8_t IndexOf(Step step) const {
    return static_cast<uint8_t>(std::find(sleep.begin(), sleep.end(), step) - sleep.begin());
  }
};

// The publisher raises the counter to 1 and then to 2; sleeper i waits for i + 1.
constexpr uint8_t kPublications = 2;
constexpr size_t kSleepers = 2;
constexpr uint8_t kAsleep = 100;
constexpr uint8_t kWoken = 101;

enum PublisherStep : uint8_t { kStore, kLookForSleepers, kWake, kEnd };

struct State {
  // Memory.
  uint8_t value = 0;
  uint8_t sleepers = 0;
  // The publisher: its next step, its publications, and those that only it sees yet, oldest first
  // (0: none).
  uint8_t publisher = kStore;
  uint8_t published = 0;
  std::array<uint8_t, kPublications> buffer{};
  // The sleepers: an index into Design::sleep, its size when done, or kAsleep; and what they saw of
  // the counter.
  std::array<uint8_t, kSleepers> step{};
  std::array<uint8_t, kSleepers> seen{};

  auto operator<=>(const State&) const = default;

  void DrainOne() {
    value = buffer[0];
    buffer = {buffer[1], 0};
  }
  void DrainAll() {
    while (buffer[0] != 0) DrainOne();
  }
};

State PublisherStepOf(State state, const Design& design) {
  switch (state.publisher) {
    case kStore:
      state.buffer[state.buffer[0] == 0 ? 0 : 1] = ++state.published;
      if (design.publisher_fences) state.DrainAll();
      state.publisher = kLookForSleepers;
      return state;
    case kLookForSleepers: state.publisher = state.sleepers != 0 ? kWake : kEnd; break;
    default:
      state.DrainAll();  // the kernel takes a lock
      for (uint8_t& step : state.step) {
        if (step == kAsleep) step = kWoken;
      }
      state.publisher = kEnd;
      break;
  }
  if (state.publisher == kEnd && state.published < kPublications) state.publisher = kStore;
  return state;
}

State SleeperStepOf(State state, size_t i, const Design& design) {
  const auto target = static_cast<uint8_t>(i + 1);
  uint8_t& step = state.step[i];
  switch (design.sleep[step]) {
    case Step::kCount:
      ++state.sleepers;
      ++step;
      break;
    case Step::kFenceAll:
      state.DrainAll();
      ++step;
      break;
    case Step::kLook:
      state.seen[i] = state.value;
      step = state.value < target ? static_cast<uint8_t>(step + 1) : design.IndexOf(Step::kUncount);
      break;
    case Step::kFutexWait:
      step = state.value == state.seen[i] ? kAsleep : design.IndexOf(Step::kLook);
      break;
    case Step::kUncount:
      --state.sleepers;
      step = static_cast<uint8_t>(design.sleep.size());
      break;
  }
  return state;
}

struct Verdict {
  size_t states = 0;
  bool lost_wakeup = false;  // a state in which nothing moves any more and somebody sleeps
};

Verdict Explore(const Design& design) {
  Verdict verdict;
  std::set<State> seen{State{}};
  std::vector<State> open{State{}};
  while (!open.empty()) {
    const State state = open.back();
    open.pop_back();
    std::vector<State> next;
    if (state.publisher != kEnd) next.push_back(PublisherStepOf(state, design));
    if (state.buffer[0] != 0) {
      next.push_back(state);
      next.back().DrainOne();
    }
    for (size_t i = 0; i < kSleepers; ++i) {
      if (state.step[i] < design.sleep.size()) next.push_back(SleeperStepOf(state, i, design));
    }
    if (next.empty()) {
      for (const uint8_t step : state.step) verdict.lost_wakeup |= step == kAsleep;
    }
    for (State& one : next) {
      for (uint8_t& step : one.step) step = step == kWoken ? design.IndexOf(Step::kLook) : step;
      if (seen.insert(one).second) open.push_back(one);
    }
  }
  verdict.states = seen.size();
  return verdict;
}

TEST(WaitModelTest, FenceOfTheSleeperServesBothSides) {
  const Verdict verdict = Explore({});
  EXPECT_FALSE(verdict.lost_wakeup);
  EXPECT_GT(verdict.states, 300u);  // it has tried something
}

const std::vector<Step> kNoFence = {Step::kCount, Step::kLook, Step::kFutexWait, Step::kUncount};

TEST(WaitModelTest, PublisherThatFencesForItselfNeedsNoOther) {
  EXPECT_FALSE(Explore({.publisher_fences = true}).lost_wakeup);
  EXPECT_FALSE(Explore({.publisher_fences = true, .sleep = kNoFence}).lost_wakeup);
}

// The check can fail: each of these loses a wake-up.
TEST(WaitModelTest, WithoutAnyFenceAWakeUpIsLost) {
  EXPECT_TRUE(Explore({.sleep = kNoFence}).lost_wakeup);
}

TEST(WaitModelTest, FenceBeforeTheCountIsTooEarly) {
  EXPECT_TRUE(Explore({.sleep = {Step::kFenceAll, Step::kCount, Step::kLook, Step::kFutexWait,
                                 Step::kUncount}})
                  .lost_wakeup);
}

TEST(WaitModelTest, SleeperThatIsNeverCountedIsNeverWoken) {
  EXPECT_TRUE(Explore({.sleep = {Step::kFenceAll, Step::kLook, Step::kFutexWait}}).lost_wakeup);
}

}  // namespace
}  // namespace flexmig::shm
