#include "patience.h"

#include <algorithm>
#include <thread>

namespace flexmig::device {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr microseconds kLongestNap(50);
constexpr microseconds kLongestLazyNap(500);
constexpr std::chrono::seconds kUntilLazy(1);

}  // namespace

bool Patience::Pause() {
  if (turns_ < policy_.spins && !limit_.IsOver(turns_)) {
    ++turns_;
    shm::PauseProcessor();
    return true;
  }
  const auto now = Deadline::Clock::now();
  if (turns_ <= policy_.spins) {
    turns_ = policy_.spins + 1;
    since_ = now;
  }
  if (now - since_ >= shm::kYieldTime) return false;
  shm::YieldProcessor();
  return true;
}

void Patience::Nap(bool lazily) {
  const auto waited = duration_cast<microseconds>(Deadline::Clock::now() - since_);
  const auto longest = lazily && waited > kUntilLazy ? kLongestLazyNap : kLongestNap;
  std::this_thread::sleep_for(std::min(waited / 8, longest));
}

}  // namespace flexmig::device
