#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/mig/layout.h"
#include "flexmig/sim/scheme.h"

namespace flexmig::sim {

std::unique_ptr<Scheme> MakeWholeGpu(std::string name, const SchemeContext& context);
std::unique_ptr<Scheme> MakeExclusive(std::string name, const SchemeContext& context);
// GPU i gets layouts[i % layouts.size()]. REQUIRES: at least one.
std::unique_ptr<Scheme> MakeStatic(std::string name, const SchemeContext& context,
                                   std::vector<mig::MigLayout> layouts);
std::unique_ptr<Scheme> MakeDynamicDrain(std::string name, const SchemeContext& context);
std::unique_ptr<Scheme> MakeDynamicPartial(std::string name, const SchemeContext& context);
Result<std::unique_ptr<Scheme>> MakeFlexmig(std::string name, const SchemeContext& context);
Result<std::unique_ptr<Scheme>> MakeFlexmigRounded(std::string name, const SchemeContext& context);
// `range`: "0.5-2", shares of the leaves that a job asks for. Errors: kInvalidArgument for a range
// that is not least-most with 0 < least <= 1 <= most.
Result<std::unique_ptr<Scheme>> MakeFlexmigMoldable(std::string name, const SchemeContext& context,
                                                    std::string_view range);

// What the one-to-one schemes have in common: one instance with at least the compute slices asked
// for, or one whole GPU for every GPU of a job that spans GPUs. Such a job runs as on the GPUs of
// its trace but for what MIG costs them; no communication is charged, also not over nodes, which
// favours these schemes: instances of different GPUs cannot use NVLink either.
alloc::AllocationRequest OneToOneRequest(const WorkloadJob& job, const SchemeContext& context);
JobRun OneToOneRun(const WorkloadJob& job, const alloc::Allocation& allocation,
                   const alloc::LeafPool& pool, const SpeedModel& speeds);

// The profile that the dynamic schemes use for so many compute slices, [k] for k: the one with the
// least memory; nullptr where there is none. Media engines and graphics are not asked for.
std::vector<const mig::Profile*> ProfilesBySlices(const mig::GpuModel& model);
// The compute slices of the smallest of them with at least `slices`. REQUIRES: there is one.
int SizeFor(const std::vector<const mig::Profile*>& profiles, int slices);
// Every placement of every one of them, sorted.
mig::MigLayout PlacementsOf(const std::vector<const mig::Profile*>& profiles);

// Nodes of so many GPUs each, GPU i of all with layouts[i].
mig::NodeInventory NodesWith(const mig::GpuModel& model, int gpus_per_node,
                             const std::vector<mig::MigLayout>& layouts);

// Every GPU as one instance.
mig::MigLayout WholeGpuLayout(const mig::GpuModel& model);

}  // namespace flexmig::sim
