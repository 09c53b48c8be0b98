#include "flexmig/sched/quotas.h"

#include <algorithm>
#include <limits>

#include "flexmig/base/strings.h"

namespace flexmig::sched {

void Quotas::Set(int user, const Quota& quota) {
  const auto index = static_cast<size_t>(user);
  if (index >= users_.size()) users_.resize(index + 1);
  users_[index].quota = quota;
}

bool Quotas::Admits(int user, int leaves, int extra_jobs, int extra_leaves) const {
  const User& at = users_[static_cast<size_t>(user)];
  if (at.quota.max_jobs && at.jobs + extra_jobs >= *at.quota.max_jobs) return false;
  // Not the sum of all three, which may leave the range of int.
  return !at.quota.max_leaves || leaves <= *at.quota.max_leaves - at.leaves - extra_leaves;
}

int Quotas::Room(int user) const {
  const User& at = users_[static_cast<size_t>(user)];
  if (at.quota.max_jobs && at.jobs >= *at.quota.max_jobs) return 0;
  if (!at.quota.max_leaves) return std::numeric_limits<int>::max();
  return std::max(0, *at.quota.max_leaves - at.leaves);
}

Status Quotas::CheckPossible(int user, const Job& job) const {
  const Quota& quota = users_[static_cast<size_t>(user)].quota;
  const std::string who = job.user.empty() ? "a job without user" : StrCat("user ", job.user);
  if (quota.max_leaves && MinLeaves(job) > *quota.max_leaves) {
    return InvalidArgumentError(StrCat(MinLeaves(job), " leaves are more than the quota of ", who,
                                       ", which is ", *quota.max_leaves));
  }
  if (quota.max_jobs && *quota.max_jobs < 1) {
    return InvalidArgumentError(StrCat("the quota of ", who, " admits no job"));
  }
  return OkStatus();
}

void Quotas::Start(int user, int leaves) {
  User& at = users_[static_cast<size_t>(user)];
  ++at.jobs;
  at.leaves += leaves;
}

void Quotas::End(int user, int leaves) {
  User& at = users_[static_cast<size_t>(user)];
  --at.jobs;
  at.leaves -= leaves;
}

}  // namespace flexmig::sched
