#include "flexmig/sched/dependencies.h"

#include <utility>

namespace flexmig::sched {

std::optional<JobEnd> Dependencies::EndOf(const JobId& id) const {
  for (size_t i = 0; i < ended_.size(); ++i) {  // from the latest
    const Ended& ended = ended_[(oldest_ + ended_.size() - 1 - i) % ended_.size()];
    if (ended.id == id) return ended.end;
  }
  return std::nullopt;
}

void Dependencies::Add(const Dependency& dependency, const JobId& waiter, uint64_t sequence) {
  waiters_[dependency.job].push_back({waiter, sequence, dependency.condition});
}

std::vector<Dependencies::Waiter> Dependencies::OnEnd(const JobId& id, JobEnd end) {
  if (kept_ > 0 && ended_.size() < kept_) {
    ended_.push_back({id, end});
  } else if (kept_ > 0) {
    ended_[oldest_] = {id, end};
    oldest_ = (oldest_ + 1) % kept_;
  }
  if (waiters_.empty()) return {};
  const auto at = waiters_.find(id);
  if (at == waiters_.end()) return {};
  auto waiters = std::move(at->second);
  waiters_.erase(at);
  return waiters;
}

}  // namespace flexmig::sched
