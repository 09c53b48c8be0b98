// fifo-skip: first come, first served, but who does not fit is passed over. A wide job can wait
// for ever, unless SchedulerOptions::starvation_bound is set.

#include "queue_policies.h"

namespace flexmig::sched {

namespace {

class FifoSkip final : public QueuePolicy {
 public:
  std::string_view name() const override { return "fifo-skip"; }
  int64_t KeyOf(const Job& /*job*/) const override { return 0; }
  bool skips() const override { return true; }
  void Run(SchedulingPass& pass) const override { StartAllThatFit(pass); }
};

}  // namespace

std::unique_ptr<QueuePolicy> MakeFifoSkip() { return std::make_unique<FifoSkip>(); }

}  // namespace flexmig::sched
