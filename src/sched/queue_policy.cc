#include "flexmig/sched/queue_policy.h"

#include "flexmig/base/strings.h"

#include "queue_policies.h"

namespace flexmig::sched {

namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<QueuePolicy> (*make)();
};
constexpr Entry kPolicies[] = {{"fifo", MakeFifo}, {"fifo-skip", MakeFifoSkip}, {"sjf", MakeSjf}};

}  // namespace

const std::vector<std::string>& QueuePolicyNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Entry& entry : kPolicies) all.emplace_back(entry.name);
    return all;
  }();
  return names;
}

Result<std::unique_ptr<QueuePolicy>> MakeQueuePolicy(std::string_view name) {
  for (const Entry& entry : kPolicies) {
    if (entry.name == name) return entry.make();
  }
  return NotFoundError(
      StrCat("no queue policy '", name, "'; there are ", StrJoin(QueuePolicyNames(), ", ")));
}

void StartAllThatFit(SchedulingPass& pass) {
  QueueCursor cursor = pass.Candidates();
  while (QueuedJob* job = cursor.Next()) {
    if (!pass.TryStart(*job)) cursor.SkipShape();
  }
}

}  // namespace flexmig::sched
