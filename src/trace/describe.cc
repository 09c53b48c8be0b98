#include "flexmig/trace/describe.h"

#include <algorithm>
#include <map>
#include <vector>

#include "flexmig/base/check.h"

namespace flexmig::trace {

namespace {

constexpr int64_t kMillion = 1'000'000;

double Seconds(sched::Duration duration) { return std::chrono::duration<double>(duration).count(); }
double Gpus(int64_t millionths) { return static_cast<double>(millionths) / kMillion; }

// Beginning or end of a job; ends sort before beginnings at the same time.
struct Change {
  sched::TimePoint time;
  int64_t micro_gpus = 0;

  friend auto operator<=>(const Change&, const Change&) = default;
};

void DescribeUse(std::span<const JobRecord> jobs, Description& description) {
  std::vector<Change> changes;
  for (const JobRecord& job : jobs) {
    if (job.duration == sched::Duration(0)) continue;
    changes.push_back({job.submit_time, job.demand_micro_gpus});
    changes.push_back({job.submit_time + job.duration, -job.demand_micro_gpus});
  }
  if (changes.empty()) return;
  std::sort(changes.begin(), changes.end());
  std::map<int64_t, sched::Duration> time_at;  // by millionths of GPUs in use
  sched::TimePoint last = description.first_submit;
  int64_t in_use = 0;
  int64_t peak = 0;
  for (const Change& change : changes) {
    time_at[in_use] += change.time - last;
    last = change.time;
    in_use += change.micro_gpus;
    peak = std::max(peak, in_use);
  }
  const double total = Seconds(last - description.first_submit);
  description.peak_gpus = Gpus(peak);
  description.mean_gpus = description.gpu_hours * 3600 / total;
  double passed = 0;
  for (const auto& [micro_gpus, time] : time_at) {
    passed += Seconds(time);
    if (passed < 0.95 * total) continue;
    description.p95_gpus = Gpus(micro_gpus);
    return;
  }
}

}  // namespace

Result<Description> Describe(std::span<const JobRecord> jobs) {
  if (jobs.empty()) return InvalidArgumentError("the trace has no jobs");
  Description description;
  description.jobs = static_cast<int64_t>(jobs.size());
  description.first_submit = jobs.front().submit_time;
  description.last_submit = jobs.back().submit_time;
  std::vector<sched::Duration> durations;
  for (const JobRecord& job : jobs) {
    durations.push_back(job.duration);
    description.gpu_hours += Gpus(job.demand_micro_gpus) * Seconds(job.duration) / 3600;
    if (job.demand_micro_gpus < kMillion) {
      ++description.fractional;
    } else if (job.demand_micro_gpus == kMillion) {
      ++description.one_gpu;
    } else {
      ++description.multi_gpu;
    }
  }
  std::sort(durations.begin(), durations.end());
  description.median_duration = durations[durations.size() / 2];
  description.p95_duration = durations[durations.size() * 95 / 100];
  description.max_duration = durations.back();
  DescribeUse(jobs, description);
  return description;
}

}  // namespace flexmig::trace
