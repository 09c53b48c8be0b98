#include "flexmig/sim/workload.h"

#include <algorithm>
#include <cmath>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::sim {

namespace {

constexpr int64_t kMillion = 1'000'000;
// A million GPUs of 12 slices stay far from the end of int.
constexpr double kMaxCompression = 1e9;

// Slice-seconds that the job asks for.
double WorkOf(const WorkloadJob& job, int board_slices, const SpeedModel& speeds) {
  sched::Duration run_time = job.duration;
  if (job.slices < board_slices) {
    run_time = ScaleRunTime(job.duration, job.reference_speed, speeds.OnInstance(job.slices));
  }
  return job.slices * std::chrono::duration<double>(run_time).count();
}

// The records submitted in the window. REQUIRES: sorted.
std::span<const trace::JobRecord> Window(std::span<const trace::JobRecord> records,
                                         const WorkloadOptions& options) {
  const auto at = [&](sched::Duration time) {
    return std::partition_point(records.begin(), records.end(), [&](const auto& record) {
      return record.submit_time < sched::TimePoint(time);
    });
  };
  const auto begin = options.from ? at(*options.from) : records.begin();
  const auto end = options.until ? at(*options.until) : records.end();
  return begin < end ? std::span(begin, end) : std::span<const trace::JobRecord>();
}

Status CheckIds(const std::vector<WorkloadJob>& jobs) {
  std::vector<trace::TraceJobId> ids;
  ids.reserve(jobs.size());
  for (const WorkloadJob& job : jobs) ids.push_back(job.id);
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice == ids.end()) return OkStatus();
  return InvalidArgumentError(StrCat("job ", twice->value(), " occurs twice"));
}

}  // namespace

Result<MultiGpuJobs> ParseMultiGpuJobs(std::string_view text) {
  if (text == "leaves") return MultiGpuJobs::kLeaves;
  if (text == "fit") return MultiGpuJobs::kFit;
  if (text == "skip") return MultiGpuJobs::kSkip;
  return InvalidArgumentError(StrCat("'", text, "' is not leaves, fit or skip"));
}

Result<Workload> MakeWorkload(std::span<const trace::JobRecord> records, const mig::GpuModel& model,
                              int gpu_count, const SpeedModel& speeds,
                              const WorkloadOptions& options) {
  if (options.load && options.compress) {
    return InvalidArgumentError("load and compress exclude each other");
  }
  for (const auto& factor : {options.load, options.compress}) {
    if (factor && !(*factor >= 1 / kMaxCompression && *factor <= kMaxCompression)) {
      return InvalidArgumentError(StrCat(*factor, " is not a load or compression above 0"));
    }
  }
  for (size_t i = 1; i < records.size(); ++i) {
    if (records[i].submit_time < records[i - 1].submit_time) {
      return InvalidArgumentError(StrCat("job ", records[i].id.value(), " is out of order"));
    }
  }
  Workload workload;
  const std::span<const trace::JobRecord> window = Window(records, options);
  workload.outside_window = static_cast<int64_t>(records.size() - window.size());
  std::vector<trace::JobRecord> replica;
  std::span<const trace::JobRecord> jobs = window;
  if (options.resampling.kind != Resampling::Kind::kNone) {
    replica = Resample(window, options.resampling);
    jobs = replica;
  }
  workload.jobs.reserve(jobs.size());
  SplitMix64 random(options.mapping.seed);
  double work = 0;
  for (const trace::JobRecord& record : jobs) {
    // Drawn for every job, kept or not, so that leaving some out leaves the others as they were.
    FLEXMIG_ASSIGN_OR_RETURN(const WorkloadJob job,
                             MapJob(record, options.mapping, model, speeds, random));
    const int most_gpus = options.multi_gpu == MultiGpuJobs::kSkip ? 1
                          : options.multi_gpu == MultiGpuJobs::kFit
                              ? options.fit_gpus.value_or(gpu_count)
                              : INT32_MAX;
    if (record.demand_micro_gpus > most_gpus * kMillion) {
      ++workload.multi_gpu_left_out;
      continue;
    }
    work += WorkOf(job, model.compute_slices, speeds);
    workload.jobs.push_back(job);
  }
  if (workload.jobs.empty()) return InvalidArgumentError("no job is left to simulate");
  FLEXMIG_RETURN_IF_ERROR(CheckIds(workload.jobs));

  const sched::TimePoint first = workload.jobs.front().submit_time;
  const double span =
      std::chrono::duration<double>(workload.jobs.back().submit_time - first).count();
  if (span > 0) workload.offered_load = work / (span * model.compute_slices * gpu_count);
  if (options.load) {
    if (!workload.offered_load || work == 0) {
      return InvalidArgumentError(
          "a load cannot be set: all jobs are submitted at once or take no time");
    }
    workload.compressed_by = *options.load / *workload.offered_load;
  } else if (options.compress) {
    workload.compressed_by = *options.compress;
  }
  if (workload.compressed_by != 1) {
    if (span / workload.compressed_by > static_cast<double>(trace::kMaxSeconds)) {
      return InvalidArgumentError(
          StrCat("submit times would be stretched beyond ", trace::kMaxSeconds, " s"));
    }
    for (WorkloadJob& job : workload.jobs) {
      const auto micros = static_cast<double>((job.submit_time - first).count());
      job.submit_time = first + sched::Duration(std::llround(micros / workload.compressed_by));
    }
    if (workload.offered_load) *workload.offered_load *= workload.compressed_by;
  }
  return workload;
}

}  // namespace flexmig::sim
