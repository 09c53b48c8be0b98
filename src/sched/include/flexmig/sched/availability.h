#pragma once

#include <cstdint>
#include <map>

#include "flexmig/sched/augmented_tree.h"
#include "flexmig/sched/time.h"

namespace flexmig::sched {

// How many leaves are free at every time from now on: a step function, for planning ahead.
//
// The steps are kept as differences in a tree that knows the sum and the smallest and largest
// prefix sum of every subtree. n is the number of steps. Values may become negative where too much
// is taken; that is for the caller to see. Threading: thread-compatible.
class Availability {
 public:
  // `free` from the beginning of time.
  explicit Availability(int64_t free) : free_(free) {}
  Availability(const Availability&) = delete;
  Availability& operator=(const Availability&) = delete;
  Availability(Availability&&) noexcept = default;
  Availability& operator=(Availability&&) = delete;
  ~Availability() = default;

  // Adds `leaves` (negative: takes) during [from, to); to == kNever is for ever. A `from` that has
  // been forgotten counts from the earliest time on. O(log n).
  void Add(TimePoint from, TimePoint to, int64_t leaves);

  // Forgets what is before `now`. O(log n) a step forgotten.
  void ForgetBefore(TimePoint now);

  // O(log n).
  [[nodiscard]] int64_t At(TimePoint time) const;

  // The first time at or after `from` from which on `leaves` are free during `run`; kNever if there
  // is none. O(k log n) if k times before it enough leaves are free, but not for so long.
  [[nodiscard]] TimePoint EarliestFit(TimePoint from, Duration run, int64_t leaves) const;

  [[nodiscard]] size_t steps() const { return steps_.size(); }

 private:
  struct Step {
    TimePoint time;
    int64_t change = 0;
    int64_t sum = 0;  // of the subtree's changes
    int64_t least = 0;
    int64_t most = 0;  // of its non-empty prefix sums
    TreeLinks<Step> links;
  };
  struct Traits {
    static TreeLinks<Step>& Links(Step& step) { return step.links; }
    static bool Less(const Step& a, const Step& b) { return a.time < b.time; }
    static void Pull(Step& step, const Step* left, const Step* right);
  };
  using Tree = AugmentedTree<Step, Traits>;

  void Change(TimePoint time, int64_t leaves);
  // The first step after `after` from which on at least (or fewer than) `leaves` are free.
  [[nodiscard]] const Step* FirstWith(bool enough, int64_t leaves, TimePoint after) const;
  static const Step* Search(const Step* at, int64_t before, bool enough, int64_t leaves,
                            TimePoint after);

  int64_t free_;  // before the first step
  TimePoint begin_ = TimePoint::min();
  std::map<TimePoint, Step> steps_;  // owns; none with change 0
  Tree tree_;
};

}  // namespace flexmig::sched
