#include "flexmig/sched/queue_policy.h"

#include "flexmig/base/strings.h"

#include "queue_policies.h"

namespace flexmig::sched {

namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<QueuePolicy> (*make)();
};
constexpr Entry kPolicies[] = {{"fifo", MakeFifo},
                               {"fifo-skip", MakeFifoSkip},
                               {"sjf", MakeSjf},
                               {"easy", MakeEasy},
                               {"conservative", MakeConservative}};

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
  while (QueuedJob* starved = pass.Starved()) {
    const StartResult result = pass.TryStart(*starved);
    if (result == StartResult::kDoesNotFit) return StartBehind(pass, *starved);
    if (result != StartResult::kStarted) return;
  }
  QueueCursor cursor = pass.Candidates();
  while (QueuedJob* job = cursor.Next()) {
    const StartResult result = pass.TryStart(*job);
    if (result == StartResult::kEnough) return;
    if (result == StartResult::kDoesNotFit) cursor.SkipGroup();
  }
}

void StartBehind(SchedulingPass& pass, const QueuedJob& first) {
  if (pass.free_leaves() == 0) return;
  Reservation reservation = pass.Reserve(first);
  QueueCursor cursor = pass.Candidates(&reservation.filter());
  while (QueuedJob* job = cursor.Next()) {
    const StartResult result = pass.TryStart(*job, &reservation);
    if (result == StartResult::kEnough) return;
    if (result == StartResult::kDoesNotFit) cursor.SkipGroup();
  }
}

}  // namespace flexmig::sched
