#include "flexmig/sim/workload.h"

#include <cmath>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::sim {

namespace {

constexpr int64_t kMillion = 1'000'000;
constexpr int64_t kMaxWeight = 1'000'000;
// A million GPUs of 12 slices stay far from the end of int.
constexpr double kMaxCompression = 1e9;

int CeilDivide(int64_t a, int64_t b) { return static_cast<int>((a + b - 1) / b); }

int Draw(const std::vector<int64_t>& weights, SplitMix64& random) {
  int64_t total = 0;
  for (const int64_t weight : weights) total += weight;
  auto at = static_cast<int64_t>(random.NextBelow(static_cast<uint64_t>(total)));
  for (size_t slices = 1; slices < weights.size(); ++slices) {
    if (at < weights[slices]) return static_cast<int>(slices);
    at -= weights[slices];
  }
  FLEXMIG_CHECK(false);
}

Result<std::vector<int64_t>> ParseWeights(std::string_view text, int board_slices) {
  std::vector<int64_t> weights(static_cast<size_t>(board_slices) + 1);
  int64_t total = 0;
  for (const std::string_view part : StrSplit(text, '/')) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return InvalidArgumentError(StrCat("'", part, "' is not slices and a weight such as 2=30"));
    }
    FLEXMIG_ASSIGN_OR_RETURN(const int64_t slices,
                             ParseInt(part.substr(0, equals), 1, board_slices));
    FLEXMIG_ASSIGN_OR_RETURN(weights[static_cast<size_t>(slices)],
                             ParseInt(part.substr(equals + 1), 0, kMaxWeight));
  }
  for (const int64_t weight : weights) total += weight;
  if (total == 0) return InvalidArgumentError("no weight is above 0");
  return weights;
}

WorkloadJob MapJob(const trace::JobRecord& record, const Mapping& mapping, int board_slices,
                   const SpeedModel& speeds, SplitMix64& random) {
  WorkloadJob job;
  job.id = JobId(StrCat(record.id.value()));
  job.submit_time = record.submit_time;
  job.duration = record.duration;
  job.whole_gpus = CeilDivide(record.demand_micro_gpus, kMillion);
  job.slices = CeilDivide(record.demand_micro_gpus * board_slices, kMillion);
  if (record.demand_micro_gpus >= kMillion) {
    job.reference_speed = speeds.OnGpus(record.demand_micro_gpus);
  } else {
    job.reference_speed = speeds.OnInstance(job.slices);
  }
  if (mapping.kind == Mapping::Kind::kSeededMix && record.demand_micro_gpus == kMillion) {
    job.slices = Draw(mapping.weights, random);
  }
  return job;
}

// Slice-seconds that the job asks for.
double WorkOf(const WorkloadJob& job, int board_slices, const SpeedModel& speeds) {
  sched::Duration run_time = job.duration;
  if (job.slices < board_slices) {
    run_time = ScaleRunTime(job.duration, job.reference_speed, speeds.OnInstance(job.slices));
  }
  return job.slices * std::chrono::duration<double>(run_time).count();
}

}  // namespace

Result<Mapping> Mapping::Parse(std::string_view text, const mig::GpuModel& model, uint64_t seed) {
  constexpr std::string_view kMix = "seeded-mix:";
  Mapping mapping;
  mapping.seed = seed;
  if (text == "fraction") return mapping;
  if (!text.starts_with(kMix)) {
    return NotFoundError(
        StrCat("no mapping '", text, "'; there are fraction, seeded-mix:<slices>=<weight>/..."));
  }
  mapping.kind = Kind::kSeededMix;
  auto weights = ParseWeights(text.substr(kMix.size()), model.compute_slices);
  if (!weights.ok()) return weights.status().WithContext(StrCat("mapping '", text, "'"));
  mapping.weights = *std::move(weights);
  return mapping;
}

std::string Mapping::Describe(const mig::GpuModel& model) const {
  const std::string rounding =
      StrCat("ceil(", model.compute_slices,
             " x gpu_demand) slices, duration_s on those slices (on GPUs with MIG off from 1 GPU)");
  if (kind == Kind::kFraction) return StrCat("fraction: ", rounding);
  std::vector<std::string> parts;
  for (size_t slices = 1; slices < weights.size(); ++slices) {
    if (weights[slices] > 0) parts.push_back(StrCat(slices, "=", weights[slices]));
  }
  return StrCat("seeded-mix: a job of exactly 1 GPU asks for slices drawn by weight ",
                StrJoin(parts, "/"), " (seed ", seed,
                "), duration_s on a GPU with MIG off; others ", rounding);
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
  Workload workload;
  workload.jobs.reserve(records.size());
  SplitMix64 random(options.mapping.seed);
  double work = 0;
  for (const trace::JobRecord& record : records) {
    // Drawn for every job, kept or not, so that leaving some out leaves the others as they were.
    WorkloadJob job = MapJob(record, options.mapping, model.compute_slices, speeds, random);
    if (options.multi_gpu == MultiGpuJobs::kSkip && record.demand_micro_gpus > kMillion) {
      ++workload.multi_gpu_left_out;
      continue;
    }
    if (!workload.jobs.empty() && job.submit_time < workload.jobs.back().submit_time) {
      return InvalidArgumentError(StrCat("job ", job.id.value(), " is out of order"));
    }
    if (!workload.index.emplace(job.id, workload.jobs.size()).second) {
      return InvalidArgumentError(StrCat("job ", job.id.value(), " occurs twice"));
    }
    work += WorkOf(job, model.compute_slices, speeds);
    workload.jobs.push_back(std::move(job));
  }
  if (workload.jobs.empty()) return InvalidArgumentError("no job is left to simulate");

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
