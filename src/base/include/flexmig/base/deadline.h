#pragma once

#include <chrono>

namespace flexmig {

// A point in time on the monotonic clock after which a wait gives up. Every wait takes one.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline After(Clock::duration duration) { return Deadline(Clock::now() + duration); }
  // Never passes. Only where the caller has another bound, e.g. a user at the keyboard.
  static Deadline Never() { return Deadline(Clock::time_point::max()); }

  [[nodiscard]] bool is_never() const { return when_ == Clock::time_point::max(); }
  [[nodiscard]] bool HasPassed() const { return Clock::now() >= when_; }
  [[nodiscard]] Clock::time_point when() const { return when_; }

  // Time left, not negative, at most `cap`; ready for poll() and the like.
  [[nodiscard]] std::chrono::milliseconds Remaining(std::chrono::milliseconds cap) const {
    if (is_never()) return cap;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(when_ - Clock::now());
    if (left.count() <= 0) return std::chrono::milliseconds(0);
    return left < cap ? left : cap;
  }

 private:
  explicit Deadline(Clock::time_point when) : when_(when) {}
  Clock::time_point when_;
};

}  // namespace flexmig
