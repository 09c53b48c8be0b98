#include "flexmig/sched/availability.h"

#include <algorithm>

namespace flexmig::sched {

void Availability::Traits::Pull(Step& step, const Step* left, const Step* right) {
  const int64_t before = left != nullptr ? left->sum : 0;
  const int64_t here = before + step.change;
  step.sum = here;
  step.least = step.most = here;
  if (left != nullptr) {
    step.least = std::min(step.least, left->least);
    step.most = std::max(step.most, left->most);
  }
  if (right != nullptr) {
    step.sum += right->sum;
    step.least = std::min(step.least, here + right->least);
    step.most = std::max(step.most, here + right->most);
  }
}

void Availability::Add(TimePoint from, TimePoint to, int64_t leaves) {
  from = std::max(from, begin_);
  if (leaves == 0 || to <= from) return;
  Change(from, leaves);
  if (to != kNever) Change(to, -leaves);
}

void Availability::Change(TimePoint time, int64_t leaves) {
  if (time == begin_) {
    free_ += leaves;
    return;
  }
  const auto [at, is_new] = steps_.try_emplace(time);
  Step& step = at->second;
  if (!is_new) tree_.Erase(step);
  step.time = time;
  step.change += leaves;
  if (step.change == 0) {
    steps_.erase(at);
  } else {
    tree_.Insert(step);
  }
}

void Availability::ForgetBefore(TimePoint now) {
  if (now <= begin_) return;
  begin_ = now;
  while (!steps_.empty() && steps_.begin()->first <= now) {
    free_ += steps_.begin()->second.change;
    tree_.Erase(steps_.begin()->second);
    steps_.erase(steps_.begin());
  }
}

int64_t Availability::At(TimePoint time) const {
  int64_t free = free_;
  for (const Step* at = tree_.root(); at != nullptr;) {
    if (at->time > time) {
      at = Tree::Left(*at);
      continue;
    }
    const Step* left = Tree::Left(*at);
    free += at->change + (left != nullptr ? left->sum : 0);
    at = Tree::Right(*at);
  }
  return free;
}

TimePoint Availability::EarliestFit(TimePoint from, Duration run, int64_t leaves) const {
  from = std::max(from, begin_);
  bool enough = At(from) >= leaves;
  while (true) {
    if (!enough) {
      const Step* risen = FirstWith(true, leaves, from);
      if (risen == nullptr) return kNever;
      from = risen->time;
    }
    const Step* fallen = FirstWith(false, leaves, from);
    // A job that takes no time still needs its leaves for a moment.
    const TimePoint end = AddClamped(from, std::max(run, Duration(1)));
    if (fallen == nullptr || fallen->time >= end) return from;
    from = fallen->time;
    enough = false;
  }
}

const Availability::Step* Availability::FirstWith(bool enough, int64_t leaves,
                                                  TimePoint after) const {
  return Search(tree_.root(), free_, enough, leaves, after);
}

// Besides the path to `after`, enters only subtrees in which the step is.
const Availability::Step* Availability::Search(const Step* at, int64_t before, bool enough,
                                               int64_t leaves, TimePoint after) {
  if (at == nullptr) return nullptr;
  if (enough ? before + at->most < leaves : before + at->least >= leaves) return nullptr;
  const Step* left = Tree::Left(*at);
  if (at->time > after) {
    if (const Step* found = Search(left, before, enough, leaves, after)) return found;
  }
  const int64_t here = before + (left != nullptr ? left->sum : 0) + at->change;
  if (at->time > after && (here >= leaves) == enough) return at;
  return Search(Tree::Right(*at), here, enough, leaves, after);
}

}  // namespace flexmig::sched
