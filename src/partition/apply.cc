#include "flexmig/partition/apply.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "flexmig/base/deadline.h"
#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::partition {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause(10);
constexpr milliseconds kLongestPause(200);
// Of a list in an error message; the plan shows all.
constexpr size_t kNamedBlockers = 3;

bool IsIn(const mig::PlacedProfile& placed, const mig::MigLayout& layout) {
  return std::ranges::find(layout, placed) != layout.end();
}

mig::MigLayout Without(const mig::MigLayout& layout, const mig::MigLayout& removed) {
  mig::MigLayout rest;
  for (const auto& placed : layout) {
    if (!IsIn(placed, removed)) rest.push_back(placed);
  }
  return rest;
}

bool IsTransient(const Status& status) {
  // After a timeout the outcome is unknown: ask, then try again.
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kDeadlineExceeded;
}

// Tries again with growing pauses, for a bounded time.
class Patience {
 public:
  explicit Patience(milliseconds bound) : until_(Deadline::After(bound)) {}

  // False once the time is over; otherwise pauses.
  bool Pause() {
    if (until_.HasPassed()) return false;
    std::this_thread::sleep_for(until_.Remaining(pause_));
    pause_ = std::min(2 * pause_, kLongestPause);
    return true;
  }

 private:
  Deadline until_;
  milliseconds pause_ = kFirstPause;
};

// Changes one GPU, one step at a time.
class GpuWorker {
 public:
  GpuWorker(hw::MigBackend& backend, const hw::GpuStatus& gpu, milliseconds retry_for)
      : backend_(backend), gpu_(gpu.index), model_(*gpu.model), retry_for_(retry_for) {}

  // What is there; transient errors are waited out.
  Result<ObservedGpu> Look() {
    Patience patience(retry_for_);
    while (true) {
      auto observed = Observe(backend_, gpu_, CreatedRecord(), nullptr);
      if (observed.ok() || !IsTransient(observed.status()) || !patience.Pause()) return observed;
    }
  }

  // Takes steps until the GPU has the layout; destroys only what is in `may_destroy`. Steps whose
  // effect was seen are appended to `taken`.
  Status Bring(bool mig_enabled, const mig::MigLayout& target, const mig::MigLayout& may_destroy,
               std::vector<Step>& taken) {
    std::optional<Step> last;
    std::optional<Patience> patience;
    Status trouble;
    while (true) {
      FLEXMIG_ASSIGN_OR_RETURN(const ObservedGpu present, Look());
      const auto steps = StepsTo(present, mig_enabled, target);
      const bool is_again = last && !steps.empty() && steps.front() == *last;
      if (last && !is_again) taken.push_back(*last);
      if (steps.empty()) return OkStatus();
      const Step& step = steps.front();
      const std::string name = DescribeStep(model_, step);
      if (is_again) {
        if (!patience->Pause()) return trouble.WithContext(name);
      } else {
        last = step;
        patience.emplace(retry_for_);
      }
      FLEXMIG_RETURN_IF_ERROR(CheckMayTake(step, may_destroy).WithContext(name));
      trouble = Take(step, present);
      if (!trouble.ok() && !IsTransient(trouble)) return trouble.WithContext(name);
      if (trouble.ok()) trouble = WithoutEffect(step);  // unless the next look shows one
    }
  }

 private:
  [[nodiscard]] Status CheckMayTake(const Step& step, const mig::MigLayout& may_destroy) const {
    const bool destroys = step.kind == Step::Kind::kDestroyComputeInstance ||
                          step.kind == Step::Kind::kDestroyGpuInstance;
    if (!destroys || IsIn(step.placed, may_destroy)) return OkStatus();
    return FailedPreconditionError(StrCat(
        "GPU ", gpu_.value(), ": the instance appeared meanwhile, created by somebody else"));
  }

  [[nodiscard]] Status WithoutEffect(const Step& step) const {
    if (step.kind == Step::Kind::kEnableMig || step.kind == Step::Kind::kDisableMig) {
      return FailedPreconditionError(
          StrCat("GPU ", gpu_.value(), ": waits for a reset; something uses the GPU"));
    }
    return UnavailableError(
        StrCat("GPU ", gpu_.value(), ": the driver reports success, but nothing has changed"));
  }

  Status Take(const Step& step, const ObservedGpu& present) {
    const auto instance =
        std::ranges::find(present.instances, step.placed, &ObservedInstance::placed);
    switch (step.kind) {
      case Step::Kind::kEnableMig: return backend_.SetMigMode(gpu_, true);
      case Step::Kind::kDisableMig: return backend_.SetMigMode(gpu_, false);
      case Step::Kind::kDestroyComputeInstance:
        return backend_.DestroyComputeInstance(gpu_, instance->id,
                                               instance->device->compute_instance);
      case Step::Kind::kDestroyGpuInstance: return backend_.DestroyGpuInstance(gpu_, instance->id);
      case Step::Kind::kCreateGpuInstance:
        return backend_.CreateGpuInstance(gpu_, step.placed).status();
      case Step::Kind::kCreateComputeInstance:
        // It may have died away since the step was chosen only if StepsTo is wrong.
        FLEXMIG_CHECK(instance != present.instances.end());
        return backend_.CreateComputeInstance(gpu_, instance->id).status();
    }
    FLEXMIG_CHECK(false && "a Step::Kind outside its enumeration");
  }

  hw::MigBackend& backend_;
  const mig::GpuIndex gpu_;
  const mig::GpuModel& model_;
  const milliseconds retry_for_;
};

Status BlockedStatus(const NodePlan& plan) {
  std::vector<std::string> reasons;
  size_t count = 0;
  for (const GpuPlan& gpu : plan.gpus) {
    for (const Blocker& blocker : gpu.blockers) {
      if (++count > kNamedBlockers) continue;
      reasons.push_back(StrCat("GPU ", gpu.present.status.index.value(), ": ", blocker.what));
    }
  }
  if (count > kNamedBlockers) reasons.push_back(StrCat(count - kNamedBlockers, " more"));
  return FailedPreconditionError(StrCat("nothing was changed: ", StrJoin(reasons, "; ")));
}

// Brings a GPU on which a step failed to its old layout.
Status GoBack(GpuWorker& worker, const GpuPlan& plan, const mig::MigLayout& created,
              const ApplyOptions& options) {
  FLEXMIG_ASSIGN_OR_RETURN(const ObservedGpu present, worker.Look());
  std::vector<mig::MigUuid> doomed;
  for (const ObservedInstance& instance : present.instances) {
    if (instance.device && IsIn(instance.placed, created)) doomed.push_back(instance.device->uuid);
  }
  if (options.reserve && !doomed.empty()) FLEXMIG_RETURN_IF_ERROR(options.reserve(doomed));
  std::vector<Step> undone;
  return worker.Bring(plan.present.status.mig_enabled, plan.present.layout(), created, undone);
}

// Executes the plan of one GPU and fills in `outcome`.
Status ApplyGpu(hw::MigBackend& backend, const GpuPlan& plan, const ApplyOptions& options,
                CreatedRecord& record, GpuOutcome& outcome) {
  const hw::GpuStatus& gpu = plan.present.status;
  const mig::MigLayout old_layout = plan.present.layout();
  if (plan.steps.empty()) {
    outcome.kind = GpuOutcome::Kind::kUnchanged;
    return OkStatus();
  }
  const mig::MigLayout created = Without(plan.target, old_layout);
  const mig::MigLayout doomed = Without(old_layout, plan.target);
  FLEXMIG_RETURN_IF_ERROR(record.Add(gpu.uuid, created));

  GpuWorker worker(backend, gpu, options.retry_for);
  Status status = worker.Bring(plan.mig_enabled, plan.target, doomed, outcome.steps);
  outcome.kind = GpuOutcome::Kind::kApplied;
  if (!status.ok()) {
    const Status undo = GoBack(worker, plan, created, options);
    outcome.kind = undo.ok() ? GpuOutcome::Kind::kRolledBack : GpuOutcome::Kind::kLeftover;
    if (!undo.ok()) {
      status = Status(status.code(),
                      StrCat(status.message(), "; going back failed, too: ", undo.message()));
    }
  }
  const auto present = worker.Look();
  if (!present.ok()) return status.ok() ? present.status() : status;
  outcome.mig_enabled = present->status.mig_enabled;
  outcome.layout = present->layout();
  const Status kept = record.Keep(gpu.uuid, outcome.layout);
  return status.ok() ? kept : status;
}

Status ApplyLocked(hw::MigBackend& backend, const std::vector<DesiredGpu>& desired,
                   const ApplyOptions& options, ApplyReport& report) {
  FLEXMIG_ASSIGN_OR_RETURN(CreatedRecord record,
                           CreatedRecord::Load(options.state_directory / "created"));
  FLEXMIG_ASSIGN_OR_RETURN(report.plan, MakePlan(backend, desired, record, options.plan));
  if (report.plan.is_blocked()) return BlockedStatus(report.plan);
  if (options.reserve && !report.plan.is_done()) {
    FLEXMIG_RETURN_IF_ERROR(options.reserve(report.plan.doomed_leaves()));
  }
  report.gpus.resize(report.plan.gpus.size());
  for (size_t i = 0; i < report.gpus.size(); ++i) {
    report.gpus[i].mig_enabled = report.plan.gpus[i].present.status.mig_enabled;
    report.gpus[i].layout = report.plan.gpus[i].present.layout();
  }
  for (size_t i = 0; i < report.gpus.size(); ++i) {
    FLEXMIG_RETURN_IF_ERROR(
        ApplyGpu(backend, report.plan.gpus[i], options, record, report.gpus[i]));
  }
  return OkStatus();
}

}  // namespace

ApplyReport Apply(hw::MigBackend& backend, const std::vector<DesiredGpu>& desired,
                  const ApplyOptions& options) {
  ApplyReport report;
  report.status = MakePrivateDirectory(options.state_directory);
  if (!report.status.ok()) return report;
  const auto lock =
      FileLock::Acquire(options.state_directory / "lock", Deadline::After(options.lock_wait));
  report.status = lock.ok() ? ApplyLocked(backend, desired, options, report)
                            : lock.status().WithContext("another apply is at work");
  return report;
}

}  // namespace flexmig::partition
