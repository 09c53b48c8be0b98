// sjf: the job with the shortest estimate first, and who does not fit is passed over. Jobs without
// an estimate come last, in order of submission. A long job can wait for ever, unless
// SchedulerOptions::starvation_bound is set.

#include <limits>

#include "queue_policies.h"

namespace flexmig::sched {

namespace {

class Sjf final : public QueuePolicy {
 public:
  std::string_view name() const override { return "sjf"; }
  int64_t KeyOf(const Job& job) const override {
    return job.estimate ? job.estimate->count() : std::numeric_limits<int64_t>::max();
  }
  bool skips() const override { return true; }
  void Run(SchedulingPass& pass) const override { StartAllThatFit(pass); }
};

}  // namespace

std::unique_ptr<QueuePolicy> MakeSjf() { return std::make_unique<Sjf>(); }

}  // namespace flexmig::sched
