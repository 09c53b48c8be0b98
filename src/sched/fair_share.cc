#include "flexmig/sched/fair_share.h"

#include <algorithm>

#include "flexmig/base/check.h"

namespace flexmig::sched {

namespace {

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

constexpr int64_t kMaxUsage = int64_t{1} << 62;
// After so many half-lives nothing is left of any usage.
constexpr int64_t kHalfLivesToZero = 63;
// A user that holds the same leaves for 40 half-lives is within 10^-12 of the limit of usage.
constexpr int64_t kHalfLivesToLimit = 40;

uint64_t SquareRoot(Wide value) {
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 63; bit != 0; bit >>= 1) {
    const uint64_t candidate = root | bit;
    if (static_cast<Wide>(candidate) * candidate <= value) root = candidate;
  }
  return root;
}

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

FairShare::FairShare(Duration half_life) : step_(half_life / kStepsPerHalfLife) {
  FLEXMIG_CHECK(step_ >= Duration(1));
  // 2^(-1/64) in 2^-62: six square roots of a half. Products are cut to 2^-32.
  constexpr int kFraction = 62;
  uint64_t one_step = uint64_t{1} << (kFraction - 1);
  for (int i = 0; i < 6; ++i) one_step = SquareRoot(static_cast<Wide>(one_step) << kFraction);
  uint64_t power = uint64_t{1} << kFraction;
  for (uint64_t& factor : factors_) {
    factor = power >> (kFraction - 32);
    power = static_cast<uint64_t>((static_cast<Wide>(power) * one_step) >> kFraction);
  }
}

void FairShare::SetWeight(int user, int weight) { At(user).weight = weight; }

void FairShare::Hold(int user, int leaves, TimePoint now) {
  User& at = At(user);
  Update(at, now);
  at.leaves += leaves;
  FLEXMIG_CHECK(at.leaves >= 0);
}

int64_t FairShare::UsageOf(int user, TimePoint now) const {
  const auto index = static_cast<size_t>(user);
  if (index >= users_.size()) return 0;
  User at = users_[index];
  Update(at, now);
  return at.usage / at.weight;
}

FairShare::User& FairShare::At(int user) {
  const auto index = static_cast<size_t>(user);
  if (index >= users_.size()) users_.resize(index + 1);
  return users_[index];
}

// Steps are at whole multiples of step_, whenever this is called.
void FairShare::Update(User& user, TimePoint now) const {
  if (!user.used) {
    user.used = true;
    user.updated = now;
    return;
  }
  const auto held_for = [&](int64_t micros) {
    const auto sum =
        static_cast<SignedWide>(user.usage) + static_cast<SignedWide>(user.leaves) * micros;
    user.usage = static_cast<int64_t>(std::min(sum, static_cast<SignedWide>(kMaxUsage)));
  };
  const int64_t step = step_.count();
  const int64_t from = user.updated.time_since_epoch().count();
  const int64_t to = now.time_since_epoch().count();
  int64_t steps = FloorDivide(to, step) - FloorDivide(from, step);
  user.updated = now;
  if (steps == 0) return held_for(to - from);
  const int64_t next = (FloorDivide(from, step) + 1) * step;
  held_for(next - from);
  user.usage = Decayed(user.usage, 1);
  --steps;
  if (user.leaves == 0) {
    user.usage = Decayed(user.usage, steps);
    return;
  }
  for (steps = std::min(steps, kHalfLivesToLimit * kStepsPerHalfLife); steps > 0; --steps) {
    held_for(step);
    user.usage = Decayed(user.usage, 1);
  }
  held_for(to - FloorDivide(to, step) * step);
}

int64_t FairShare::Decayed(int64_t usage, int64_t steps) const {
  if (steps / kStepsPerHalfLife > kHalfLivesToZero) return 0;
  const uint64_t factor = factors_[static_cast<size_t>(steps % kStepsPerHalfLife)];
  const auto scaled = static_cast<uint64_t>((static_cast<Wide>(usage) * factor) >> 32);
  return static_cast<int64_t>(scaled >> (steps / kStepsPerHalfLife));
}

}  // namespace flexmig::sched
