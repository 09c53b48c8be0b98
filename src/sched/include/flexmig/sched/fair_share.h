#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "flexmig/sched/time.h"

namespace flexmig::sched {

// How much leaf-time each user has used lately: every 64th of a half-life all usage is multiplied
// by 2^(-1/64). Integers only, so that it is the same on every platform, and independent of how
// often it is asked for.
//
// Threading: thread-compatible. Cost: O(1) a call, and O(number of steps since the user's last
// Hold, at most 2560) for a user that holds leaves.
class FairShare {
 public:
  // REQUIRES: half_life >= 64 us.
  explicit FairShare(Duration half_life);

  // User `user`, numbered from 0, has this weight (1 if never set). REQUIRES: weight >= 1.
  void SetWeight(int user, int weight);
  // From `now` on the user holds so many leaves more, or fewer. REQUIRES: time does not run back.
  void Hold(int user, int leaves, TimePoint now);
  // The user's decayed usage up to `now` in leaf-microseconds, divided by the weight. Two users are
  // only to be compared at the same `now`. At most 2^62.
  [[nodiscard]] int64_t UsageOf(int user, TimePoint now) const;

 private:
  static constexpr int kStepsPerHalfLife = 64;
  struct User {
    int64_t usage = 0;
    int64_t leaves = 0;
    TimePoint updated{};
    int weight = 1;
    bool used = false;
  };

  User& At(int user);
  void Update(User& user, TimePoint now) const;
  [[nodiscard]] int64_t Decayed(int64_t usage, int64_t steps) const;

  Duration step_;
  std::array<uint64_t, kStepsPerHalfLife> factors_;  // 2^(-i/64) in 2^-32
  std::vector<User> users_;
};

}  // namespace flexmig::sched
