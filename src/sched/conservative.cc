// conservative: every waiting job has a reservation (see Plan), made when it comes, and starts when
// its time has come; so a job starts past others only if it delays none of them. Needs estimates or
// time limits.
//
// While every job runs for as long as estimated, nobody starts later than his first reservation
// said, unless a job of higher priority comes. Quotas are not planned for: a job whose user's quota
// is used up when its time comes gives its place up and gets another one.
//
// Reservations count leaves. A job with a span rule can find its leaves scattered when its time has
// come; then nobody behind it starts until it has: it waits for running jobs only, so no longer
// than until the last of them has ended. (If nothing runs, leaves are out of service, and it is
// passed over.) Cost of a pass: that of Plan::Update, and O(log n) a start.

#include "queue_policies.h"

namespace flexmig::sched {

namespace {

class Conservative final : public QueuePolicy {
 public:
  std::string_view name() const override { return "conservative"; }
  int64_t KeyOf(const Job& /*job*/) const override { return 0; }
  bool skips() const override { return true; }
  bool plans() const override { return true; }

  void Run(SchedulingPass& pass) const override {
    while (QueuedJob* starved = pass.Starved()) {
      const StartResult result = pass.TryStart(*starved);
      if (result == StartResult::kDoesNotFit) return StartBehind(pass, *starved);
      if (result != StartResult::kStarted) return;
    }
    for (QueuedJob* job : pass.plan().Due(pass.now())) {
      switch (pass.TryStartPlanned(*job)) {
        case StartResult::kStarted: break;
        case StartResult::kDoesNotFit:
          if (pass.anything_runs()) return;
          break;
        case StartResult::kNotNow: pass.plan().Drop(*job); break;
        case StartResult::kEnough: return;
      }
    }
  }
};

}  // namespace

std::unique_ptr<QueuePolicy> MakeConservative() { return std::make_unique<Conservative>(); }

}  // namespace flexmig::sched
