// fifo: first come, first served, strictly. Nobody starts before the head of the queue, however
// many leaves lie idle. Cost of a pass: O(starts x log n).

#include "queue_policies.h"

namespace flexmig::sched {

namespace {

class Fifo final : public QueuePolicy {
 public:
  std::string_view name() const override { return "fifo"; }
  int64_t KeyOf(const Job& /*job*/) const override { return 0; }
  bool skips() const override { return false; }

  void Run(SchedulingPass& pass) const override {
    QueuedJob* head = pass.Head();
    while (head != nullptr && pass.TryStart(*head) == StartResult::kStarted) head = pass.Head();
  }
};

}  // namespace

std::unique_ptr<QueuePolicy> MakeFifo() { return std::make_unique<Fifo>(); }

}  // namespace flexmig::sched
