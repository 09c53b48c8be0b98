#include "flexmig/report/summary_fields.h"

#include "flexmig/base/check.h"

namespace flexmig::report {

namespace {

double Seconds(sched::Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::vector<SummaryField> SummaryFields(const sim::Summary& summary) {
  return {{"policy", summary.policy},
          {"role", std::string(RoleName(summary.role))},
          {"jobs_done", summary.jobs_done},
          {"jobs_left_out", summary.jobs_left_out},
          {"first_rejection", summary.first_rejection},
          {"makespan_s", Seconds(summary.makespan)},
          {"mean_jct_s", summary.mean_jct_s},
          {"median_jct_s", Seconds(summary.median_jct)},
          {"p95_jct_s", Seconds(summary.p95_jct)},
          {"mean_wait_s", summary.mean_wait_s},
          {"held_utilisation", summary.held_utilisation},
          {"asked_utilisation", summary.asked_utilisation},
          {"reconfigurations", summary.reconfigurations},
          {"reconfiguration_gpu_s", Seconds(summary.reconfiguration_time)}};
}

std::string_view RoleName(sim::Role role) {
  switch (role) {
    case sim::Role::kBaseline: return "baseline";
    case sim::Role::kFlexmig: return "flexmig";
    case sim::Role::kReference: return "reference";
  }
  FLEXMIG_CHECK(false);
}

}  // namespace flexmig::report
