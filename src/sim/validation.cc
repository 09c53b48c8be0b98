#include "flexmig/sim/validation.h"

#include <algorithm>

#include "flexmig/base/check.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/sim/simulator.h"

#include "schemes.h"

namespace flexmig::sim {
namespace {

constexpr int64_t kMaxLeaves = 7;
constexpr auto kStep = std::chrono::milliseconds(20);
constexpr int64_t kMinSteps = 20;
constexpr int64_t kMaxSteps = 100;
constexpr double kLoad = 1.3;

sched::Duration Between(sched::Duration low, sched::Duration high, int at, int of) {
  return low + (high - low) * at / of;
}

// One-to-many with measured times: a job's duration is its run time.
class Measured final : public Scheme {
 public:
  Measured(const SchemeContext& context, const Calibration& calibration)
      : Scheme("measured", context), calibration_(calibration) {}

  Role role() const override { return Role::kFlexmig; }
  std::string Describe() const override { return "one job on many leaves, run times as measured"; }
  mig::NodeInventory Inventory() const override {
    const auto layout =
        mig::UniformLayout(*context().model, mig::DefaultLeafProfile(*context().model).name);
    FLEXMIG_CHECK(layout.ok());
    return mig::NodeInventory::Uniform(*context().model, context().cluster.gpu_count(), *layout);
  }
  Result<std::unique_ptr<alloc::AllocationPolicy>> AllocationPolicy() const override {
    return alloc::MakePolicy(context().flexmig_allocation);
  }
  alloc::AllocationRequest RequestFor(const WorkloadJob& job) const override {
    alloc::AllocationRequest request;
    request.leaf_count = job.slices;
    return request;
  }
  JobRun Start(sched::TimePoint /*now*/, const WorkloadJob& job,
               const alloc::Allocation& /*allocation*/, const alloc::LeafPool& /*pool*/) override {
    JobRun run;
    run.setup = calibration_.Of(job.slices).launch;
    run.teardown = calibration_.handover;
    return run;
  }

 private:
  const Calibration& calibration_;
};

}  // namespace

Calibration::Size Calibration::Of(int leaves) const {
  FLEXMIG_CHECK(!sizes.empty());
  const auto above = std::find_if(sizes.begin(), sizes.end(),
                                  [&](const Size& size) { return size.leaves >= leaves; });
  if (above == sizes.begin()) return sizes.front();
  if (above == sizes.end()) return sizes.back();
  const Size& low = *(above - 1);
  const int at = leaves - low.leaves;
  const int of = above->leaves - low.leaves;
  return {leaves, Between(low.launch, above->launch, at, of),
          Between(low.exchange, above->exchange, at, of)};
}

std::vector<ShortJob> MakeShortJobs(int count, uint64_t seed, int node_leaves) {
  SplitMix64 random(seed);
  std::vector<ShortJob> jobs;
  double leaf_time = 0;
  for (int i = 0; i < count; ++i) {
    ShortJob job;
    job.leaves = 1 + static_cast<int>(random.NextBelow(
                         static_cast<uint64_t>(std::min<int64_t>(kMaxLeaves, node_leaves))));
    job.steps = kMinSteps + static_cast<int64_t>(random.NextBelow(kMaxSteps - kMinSteps + 1));
    job.step = kStep;
    leaf_time += job.leaves * static_cast<double>((job.steps * job.step).count());
    jobs.push_back(job);
  }
  // Every gap from half to one and a half times the mean, so that no two come at once: which of
  // them gets into the queue first would be chance.
  const double mean_gap = leaf_time / (count * kLoad * node_leaves);
  sched::Duration submit{};
  for (ShortJob& job : jobs) {
    job.submit = submit;
    submit += sched::Duration(static_cast<int64_t>(mean_gap * (0.5 + random.NextUnit())));
  }
  return jobs;
}

Result<std::vector<RunTimes>> PredictShortJobs(std::span<const ShortJob> jobs,
                                               const Calibration& calibration,
                                               const mig::GpuModel& model, int gpus,
                                               std::string_view allocation) {
  Workload workload;
  for (const ShortJob& job : jobs) {
    WorkloadJob& added = workload.jobs.emplace_back();
    added.id = trace::TraceJobId(static_cast<int64_t>(workload.jobs.size()));
    added.submit_time = sched::TimePoint(job.submit);
    added.duration = job.steps * (job.step + calibration.Of(job.leaves).exchange);
    added.reference_speed = 1;
    added.slices = job.leaves;
  }
  Measured scheme({&model, {1, gpus}, SpeedModel(model, {}), {}, {}, std::string(allocation)},
                  calibration);
  FLEXMIG_ASSIGN_OR_RETURN(auto queue, sched::MakeQueuePolicy("fifo"));
  FLEXMIG_ASSIGN_OR_RETURN(const Outcome outcome, Simulate(workload, scheme, std::move(queue)));
  std::vector<RunTimes> times;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const JobOutcome& job = outcome.jobs[i];
    if (!job.done) return InvalidArgumentError(outcome.first_rejection);
    times.push_back({job.start_time.time_since_epoch() + calibration.Of(jobs[i].leaves).launch,
                     job.finish_time.time_since_epoch()});
  }
  return times;
}

sched::Duration MakespanOf(std::span<const RunTimes> times) {
  sched::Duration makespan{};
  for (const RunTimes& one : times) makespan = std::max(makespan, one.finish);
  return makespan;
}

}  // namespace flexmig::sim
