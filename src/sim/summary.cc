#include "flexmig/sim/summary.h"

#include <algorithm>
#include <vector>

namespace flexmig::sim {

namespace {

__extension__ using Wide = __int128;

double Seconds(Wide micros) { return static_cast<double>(micros) / 1e6; }

// REQUIRES: 0 < percent <= 100, values not empty.
sched::Duration NearestRank(std::vector<sched::Duration>& values, size_t percent) {
  const size_t rank = (values.size() * percent + 99) / 100;
  const auto nth = values.begin() + static_cast<int64_t>(rank) - 1;
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace

Summary Summarize(const Workload& workload, const Scheme& scheme, const Outcome& outcome,
                  const mig::GpuModel& model, int gpu_count) {
  Summary summary;
  summary.policy = scheme.name();
  summary.role = scheme.role();
  summary.reconfigurations = outcome.reconfigurations;
  summary.reconfiguration_time = outcome.reconfiguration_time;
  summary.first_rejection = outcome.first_rejection;

  const sched::TimePoint first = workload.jobs.front().submit_time;
  std::vector<sched::Duration> completion_times;
  // In microseconds; 128 bits, because a million jobs of years each leave 64.
  Wide completion_sum = 0;
  Wide wait_sum = 0;
  Wide held = 0;
  Wide asked = 0;
  for (size_t i = 0; i < workload.jobs.size(); ++i) {
    const WorkloadJob& job = workload.jobs[i];
    const JobOutcome& done = outcome.jobs[i];
    if (!done.done) continue;
    completion_times.push_back(done.finish_time - job.submit_time);
    completion_sum += completion_times.back().count();
    wait_sum += (done.start_time - job.submit_time).count();
    const auto run_time = static_cast<Wide>((done.finish_time - done.start_time).count());
    held += static_cast<Wide>((done.release_time - done.start_time).count()) * done.held_slices;
    asked += run_time * std::min(job.slices, done.held_slices);
    summary.makespan = std::max(summary.makespan, done.finish_time - first);
  }
  summary.jobs_done = static_cast<int64_t>(completion_times.size());
  summary.jobs_left_out = static_cast<int64_t>(workload.jobs.size()) - summary.jobs_done;
  if (completion_times.empty()) return summary;
  const auto count = static_cast<double>(summary.jobs_done);
  summary.mean_jct_s = Seconds(completion_sum) / count;
  summary.mean_wait_s = Seconds(wait_sum) / count;
  summary.median_jct = NearestRank(completion_times, 50);
  summary.p95_jct = NearestRank(completion_times, 95);
  const auto available =
      static_cast<Wide>(summary.makespan.count()) * model.compute_slices * gpu_count;
  if (available > 0) {
    summary.held_utilisation = static_cast<double>(held) / static_cast<double>(available);
    summary.asked_utilisation = static_cast<double>(asked) / static_cast<double>(available);
  }
  return summary;
}

const Summary* BestBaseline(std::span<const Summary> summaries) {
  const Summary* best = nullptr;
  for (const Summary& summary : summaries) {
    if (summary.role != Role::kBaseline || summary.jobs_left_out > 0) continue;
    if (best == nullptr || summary.makespan < best->makespan) best = &summary;
  }
  return best;
}

}  // namespace flexmig::sim
