#include "flexmig/partition/plan.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "flexmig/base/strings.h"

namespace flexmig::partition {
namespace {

std::string Describe(const mig::GpuModel& model, const mig::PlacedProfile& placed) {
  const mig::Profile* profile = model.FindProfile(placed.profile);
  const std::string name =
      profile == nullptr ? StrCat("profile ", placed.profile.value()) : std::string(profile->name);
  return StrCat(name, " at ", placed.placement.start, ":", placed.placement.size);
}

std::string DescribeProcesses(const std::vector<pid_t>& pids) {
  std::vector<std::string> names;
  names.reserve(pids.size());
  for (const pid_t pid : pids) names.push_back(StrCat(pid));
  return StrCat(pids.size() == 1 ? "process " : "processes ", StrJoin(names, ", "));
}

bool IsIn(const mig::PlacedProfile& placed, std::span<const mig::PlacedProfile> layout) {
  return std::ranges::find(layout, placed) != layout.end();
}

// What an arrangement is worth; see PlanGpu.
std::tuple<int, int, int> Worth(const ObservedGpu& present,
                                std::span<const mig::PlacedProfile> layout, bool force) {
  int in_use = 0;
  int not_created = 0;
  int kept = 0;
  for (const ObservedInstance& instance : present.instances) {
    if (!IsIn(instance.placed, layout)) continue;
    ++kept;
    if (instance.in_use()) ++in_use;
    if (!instance.created_here && !force) ++not_created;
  }
  return {in_use, not_created, kept};
}

Result<mig::MigLayout> BestArrangement(const ObservedGpu& present, const mig::ProfileCounts& counts,
                                       bool force) {
  const mig::GpuModel& model = *present.status.model;
  auto placed = mig::PlaceCounts(model, counts);
  if (placed.status().code() == StatusCode::kResourceExhausted) {
    return InvalidArgumentError(placed.status().message());  // waiting would not help
  }
  if (!placed.ok()) return placed.status();
  mig::MigLayout best = std::move(placed).value();
  const mig::ProfileCounts wanted = CountProfiles(model, best);  // without zero counts
  auto best_worth = Worth(present, best, force);
  mig::EnumerateLayouts(
      model,
      [&](const mig::Profile& profile) { return wanted.contains(std::string(profile.name)); },
      [&](std::span<const mig::PlacedProfile> layout) {
        if (layout.size() != best.size()) return;
        mig::MigLayout candidate(layout.begin(), layout.end());
        if (CountProfiles(model, candidate) != wanted) return;
        const auto worth = Worth(present, candidate, force);
        if (worth <= best_worth) return;
        best_worth = worth;
        best = std::move(candidate);
      });
  return best;
}

Result<mig::MigLayout> CheckedLayout(const mig::GpuModel& model, const mig::MigLayout& layout) {
  const Status fits = mig::CheckLayout(model, layout);
  if (!fits.ok()) return InvalidArgumentError(fits.message());  // waiting would not help
  return layout;
}

void FindBlockers(GpuPlan& plan, bool force) {
  const mig::GpuModel& model = *plan.present.status.model;
  const auto block = [&](Blocker::Kind kind, std::string what) {
    plan.blockers.push_back({kind, std::move(what)});
  };
  for (const ObservedInstance& instance : plan.present.instances) {
    if (IsIn(instance.placed, plan.target)) continue;
    const std::string name = Describe(model, instance.placed);
    if (!instance.processes.empty()) {
      block(Blocker::Kind::kProcesses,
            StrCat(name, " is in use by ", DescribeProcesses(instance.processes)));
    }
    if (!instance.holder.empty()) {
      block(Blocker::Kind::kLease, StrCat(name, " is leased by ", instance.holder));
    }
    if (!instance.created_here && !force) {
      block(Blocker::Kind::kNotCreated, StrCat(name, " was not created by flexmig"));
    }
  }
  // A mode switch, where it resets the GPU, and the first instance need the GPU idle. Waiting with
  // the switch on record would surprise whoever resets the GPU later, so it is not begun at all.
  const bool needs_idle_gpu = plan.mig_enabled && !plan.steps.empty();
  if (needs_idle_gpu && !plan.present.whole_gpu_processes.empty()) {
    block(Blocker::Kind::kProcesses,
          StrCat("the GPU is in use by ", DescribeProcesses(plan.present.whole_gpu_processes)));
  }
}

}  // namespace

mig::ProfileCounts CountProfiles(const mig::GpuModel& model, const mig::MigLayout& layout) {
  mig::ProfileCounts counts;
  for (const mig::PlacedProfile& placed : layout) {
    const mig::Profile* profile = model.FindProfile(placed.profile);
    FLEXMIG_CHECK(profile != nullptr);
    ++counts[std::string(profile->name)];
  }
  return counts;
}

std::string DescribeStep(const mig::GpuModel& model, const Step& step) {
  const auto with_place = [&](std::string_view what) {
    return StrCat(what, " ", Describe(model, step.placed));
  };
  switch (step.kind) {
    case Step::Kind::kEnableMig: return "switch MIG on";
    case Step::Kind::kDisableMig: return "switch MIG off";
    case Step::Kind::kDestroyComputeInstance: return with_place("destroy compute instance of");
    case Step::Kind::kDestroyGpuInstance: return with_place("destroy GPU instance");
    case Step::Kind::kCreateGpuInstance: return with_place("create GPU instance");
    case Step::Kind::kCreateComputeInstance: return with_place("create compute instance of");
  }
  FLEXMIG_CHECK(false && "a Step::Kind outside its enumeration");
}

bool NodePlan::is_done() const {
  return std::ranges::all_of(gpus, [](const GpuPlan& gpu) { return gpu.steps.empty(); });
}

bool NodePlan::is_blocked() const {
  return std::ranges::any_of(gpus, [](const GpuPlan& gpu) { return !gpu.blockers.empty(); });
}

std::vector<mig::MigUuid> NodePlan::doomed_leaves() const {
  std::vector<mig::MigUuid> uuids;
  for (const GpuPlan& gpu : gpus) {
    for (const ObservedInstance& instance : gpu.present.instances) {
      if (instance.device && !IsIn(instance.placed, gpu.target)) {
        uuids.push_back(instance.device->uuid);
      }
    }
  }
  return uuids;
}

std::vector<Step> StepsTo(const ObservedGpu& present, bool mig_enabled,
                          const mig::MigLayout& target) {
  using Kind = Step::Kind;
  std::vector<Step> steps;
  const hw::GpuStatus& status = present.status;
  const bool is_switched =
      status.mig_enabled == mig_enabled && status.mig_enabled_pending == mig_enabled;
  if (mig_enabled && !is_switched) steps.push_back({Kind::kEnableMig, {}});
  for (const ObservedInstance& instance : present.instances) {
    if (IsIn(instance.placed, target)) continue;
    if (instance.device) steps.push_back({Kind::kDestroyComputeInstance, instance.placed});
    steps.push_back({Kind::kDestroyGpuInstance, instance.placed});
  }
  for (const mig::PlacedProfile& placed : target) {
    const auto found = std::ranges::find(present.instances, placed, &ObservedInstance::placed);
    const bool is_present = found != present.instances.end();
    if (!is_present) steps.push_back({Kind::kCreateGpuInstance, placed});
    if (!is_present || !found->device) steps.push_back({Kind::kCreateComputeInstance, placed});
  }
  if (!mig_enabled && !is_switched) steps.push_back({Kind::kDisableMig, {}});
  return steps;
}

Result<GpuPlan> PlanGpu(const ObservedGpu& present, const DesiredGpu& desired, bool force) {
  GpuPlan plan;
  plan.present = present;
  plan.mig_enabled = desired.mig_enabled;
  const mig::GpuModel& model = *present.status.model;
  const bool has_mig = !model.profiles.empty();
  if (desired.mig_enabled && !has_mig) {
    return InvalidArgumentError(StrCat(model.product, " has no MIG"));
  }
  if (desired.mig_enabled) {
    FLEXMIG_ASSIGN_OR_RETURN(plan.target, desired.exact
                                              ? CheckedLayout(model, *desired.exact)
                                              : BestArrangement(present, desired.instances, force));
    plan.price = mig::PriceLayout(model, plan.target);
  } else if (!has_mig) {
    plan.price.sms = plan.price.total_sms = model.total_sms;
  } else {
    const mig::Profile& whole = model.WholeGpuProfile();
    plan.price = mig::PriceLayout(
        model, std::vector<mig::PlacedProfile>{{whole.id, {0, whole.memory_slices}}});
    plan.price.sms = model.total_sms;  // the whole-GPU instance may have fewer (A100: 98 of 108)
  }
  plan.steps = StepsTo(present, plan.mig_enabled, plan.target);
  FindBlockers(plan, force);
  for (const ObservedInstance& instance : present.instances) {
    if (IsIn(instance.placed, plan.target)) ++plan.kept;
  }
  return plan;
}

Result<NodePlan> MakePlan(hw::MigBackend& backend, const std::vector<DesiredGpu>& desired,
                          const CreatedRecord& record, const PlanOptions& options) {
  NodePlan plan;
  for (const DesiredGpu& gpu : desired) {
    FLEXMIG_ASSIGN_OR_RETURN(const ObservedGpu present,
                             Observe(backend, gpu.gpu, record, options.holder_of));
    auto gpu_plan = PlanGpu(present, gpu, options.force);
    if (!gpu_plan.ok()) return gpu_plan.status().WithContext(StrCat("GPU ", gpu.gpu.value()));
    plan.gpus.push_back(std::move(gpu_plan).value());
  }
  return plan;
}

}  // namespace flexmig::partition
