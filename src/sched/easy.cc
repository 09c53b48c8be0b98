// easy: first come, first served, and while the head of the queue waits it has a reservation:
// others may start before it if that does not delay it (EASY backfill: Lifka, "The ANL/IBM SP
// scheduling system", 1995). Needs estimates or time limits; a job with neither is never started
// past the reservation unless beside the head there is room for it for ever.
//
// While every job runs for as long as estimated, a head starts no later than its first reservation
// said. Where jobs run longer, the reservation moves with each of them.
// Cost of a pass: O((starts + groups that could fit) log n) and one Reservation.

#include "queue_policies.h"

namespace flexmig::sched {

namespace {

class Easy final : public QueuePolicy {
 public:
  std::string_view name() const override { return "easy"; }
  int64_t KeyOf(const Job& /*job*/) const override { return 0; }
  bool skips() const override { return true; }

  void Run(SchedulingPass& pass) const override {
    while (QueuedJob* head = pass.Head()) {
      const StartResult result = pass.TryStart(*head);
      if (result == StartResult::kDoesNotFit) return StartBehind(pass, *head);
      if (result != StartResult::kStarted) return;
    }
  }
};

}  // namespace

std::unique_ptr<QueuePolicy> MakeEasy() { return std::make_unique<Easy>(); }

}  // namespace flexmig::sched
