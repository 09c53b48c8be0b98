#include "flexmig/sim/scheme.h"

#include <algorithm>

#include "flexmig/base/strings.h"

#include "schemes.h"

namespace flexmig::sim {

Result<std::unique_ptr<alloc::AllocationPolicy>> Scheme::AllocationPolicy() const {
  return alloc::MakePolicy("first-fit");
}

std::optional<sched::MoldableRange> Scheme::MoldableFor(const WorkloadJob& /*job*/) const {
  return std::nullopt;
}

Status Scheme::Begin(sched::TimePoint /*now*/, sched::Scheduler& /*scheduler*/) {
  return OkStatus();
}

Result<std::vector<Reconfiguration>> Scheme::BeforeTick(sched::TimePoint /*now*/,
                                                        sched::Scheduler& /*scheduler*/) {
  return std::vector<Reconfiguration>();
}

Status Scheme::Reconfigured(sched::TimePoint /*now*/, mig::GpuIndex /*gpu*/,
                            sched::Scheduler& /*scheduler*/) {
  return OkStatus();
}

Result<std::unique_ptr<Scheme>> MakeScheme(std::string_view name, const SchemeContext& context) {
  constexpr std::string_view kStatic = "static:";
  constexpr std::string_view kMoldable = "flexmig-moldable";
  if (name == "whole-gpu") return MakeWholeGpu(std::string(name), context);
  if (name == "exclusive") return MakeExclusive(std::string(name), context);
  if (name == "dynamic-drain") return MakeDynamicDrain(std::string(name), context);
  if (name == "dynamic-partial") return MakeDynamicPartial(std::string(name), context);
  if (name == "flexmig") return MakeFlexmig(std::string(name), context);
  if (name == "flexmig-rounded") return MakeFlexmigRounded(std::string(name), context);
  if (name == kMoldable) return MakeFlexmigMoldable(std::string(name), context, "0.5-1");
  if (name.starts_with(StrCat(kMoldable, ":"))) {
    return MakeFlexmigMoldable(std::string(name), context, name.substr(kMoldable.size() + 1));
  }
  if (!name.starts_with(kStatic)) {
    return NotFoundError(StrCat("no policy '", name,
                                "'; there are whole-gpu, exclusive, static:<layout>, "
                                "dynamic-drain, dynamic-partial, flexmig, "
                                "flexmig-moldable, flexmig-rounded"));
  }
  std::vector<mig::MigLayout> layouts;
  for (const std::string_view text : StrSplit(name.substr(kStatic.size()), '/')) {
    auto layout = mig::ParseLayout(*context.model, text);
    if (!layout.ok()) {
      const std::string context_text = StrCat("policy '", name, "'");
      // More than the board ever holds is a wrong request here, not a shortage that passes.
      if (layout.status().code() == StatusCode::kResourceExhausted) {
        return InvalidArgumentError(layout.status().message()).WithContext(context_text);
      }
      return layout.status().WithContext(context_text);
    }
    layouts.push_back(*std::move(layout));
  }
  return MakeStatic(std::string(name), context, std::move(layouts));
}

alloc::AllocationRequest OneToOneRequest(const WorkloadJob& job, const SchemeContext& context) {
  const mig::GpuModel& model = *context.model;
  alloc::AllocationRequest request;
  if (job.slices > model.compute_slices) {
    request.leaf_count = job.whole_gpus;
    request.min_compute_slices = model.WholeGpuProfile().compute_slices;
    request.max_nodes = MaxNodes(context.span_nodes, context.cluster, request.leaf_count,
                                 context.cluster.gpus_per_node);
  } else {
    request.min_compute_slices = job.slices;
  }
  return request;
}

JobRun OneToOneRun(const WorkloadJob& job, const alloc::Allocation& allocation,
                   const alloc::LeafPool& pool, const SpeedModel& speeds) {
  JobRun run;
  if (allocation.leaves.size() > 1) {
    run.reference = speeds.mig_off();
    run.speed = kWholeSpeed;
    return run;
  }
  run.reference = job.reference_speed;
  run.speed = speeds.OnInstanceFor(job.slices,
                                   pool.leaf(allocation.leaves.front()).profile->compute_slices);
  return run;
}

mig::NodeInventory NodesWith(const mig::GpuModel& model, int gpus_per_node,
                             const std::vector<mig::MigLayout>& layouts) {
  mig::NodeInventory nodes;
  for (size_t gpu = 0; gpu < layouts.size(); ++gpu) {
    const mig::GpuIndex index(static_cast<int>(gpu));
    nodes.gpus.push_back({index, mig::GpuUuid(StrCat("GPU-sim-", gpu)), &model, -1,
                          mig::NodeIndex(index.value() / gpus_per_node)});
    for (const mig::PlacedProfile& placed : layouts[gpu]) {
      const mig::LeafId id(static_cast<int>(nodes.leaves.size()));
      // Unlike a real node's, the inventory of dynamic-drain has several leaves at one start.
      nodes.leaves.push_back({id, index, mig::MigUuid(StrCat("MIG-sim-", gpu, "-", id.value())),
                              model.FindProfile(placed.profile), placed.placement});
    }
  }
  return nodes;
}

std::vector<const mig::Profile*> ProfilesBySlices(const mig::GpuModel& model) {
  std::vector<const mig::Profile*> profiles(
      static_cast<size_t>(model.WholeGpuProfile().compute_slices) + 1);
  for (const mig::Profile& profile : model.profiles) {
    if (profile.media != mig::MediaEngines::kDefault || profile.graphics) continue;
    auto& chosen = profiles[static_cast<size_t>(profile.compute_slices)];
    if (chosen == nullptr || profile.memory_slices < chosen->memory_slices) chosen = &profile;
  }
  return profiles;
}

int SizeFor(const std::vector<const mig::Profile*>& profiles, int slices) {
  auto size = static_cast<size_t>(std::max(slices, 1));
  while (profiles[size] == nullptr) ++size;  // ends at the whole GPU
  return static_cast<int>(size);
}

mig::MigLayout PlacementsOf(const std::vector<const mig::Profile*>& profiles) {
  mig::MigLayout all;
  for (const mig::Profile* profile : profiles) {
    if (profile == nullptr) continue;
    for (const int start : profile->starts) {
      all.push_back({profile->id, {start, profile->memory_slices}});
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

mig::MigLayout WholeGpuLayout(const mig::GpuModel& model) {
  const mig::Profile& whole = model.WholeGpuProfile();
  return {{whole.id, {whole.starts.front(), whole.memory_slices}}};
}

}  // namespace flexmig::sim
