// whole-gpu and exclusive: nobody shares a GPU, MIG is off.

#include "schemes.h"

namespace flexmig::sim {

namespace {

class ExclusiveBase : public Scheme {
 public:
  ExclusiveBase(std::string name, const SchemeContext& context)
      : Scheme(std::move(name), context) {}

  mig::NodeInventory Inventory() const override {
    const ClusterShape& cluster = context().cluster;
    const std::vector<mig::MigLayout> layouts(static_cast<size_t>(cluster.gpu_count()),
                                              WholeGpuLayout(*context().model));
    return NodesWith(*context().model, cluster.gpus_per_node, layouts);
  }
  alloc::AllocationRequest RequestFor(const WorkloadJob& job) const override {
    alloc::AllocationRequest request;
    request.leaf_count = job.whole_gpus;
    request.max_nodes = MaxNodes(context().span_nodes, context().cluster, request.leaf_count,
                                 context().cluster.gpus_per_node);
    return request;
  }
};

class WholeGpu final : public ExclusiveBase {
 public:
  using ExclusiveBase::ExclusiveBase;
  Role role() const override { return Role::kReference; }
  std::string Describe() const override { return "whole GPUs, run times as in the trace"; }
  JobRun Start(sched::TimePoint /*now*/, const WorkloadJob& /*job*/,
               const alloc::Allocation& /*allocation*/, const alloc::LeafPool& /*pool*/) override {
    return {};
  }
};

class Exclusive final : public ExclusiveBase {
 public:
  using ExclusiveBase::ExclusiveBase;
  Role role() const override { return Role::kBaseline; }
  std::string Describe() const override { return "whole GPUs with MIG off"; }
  JobRun Start(sched::TimePoint /*now*/, const WorkloadJob& job,
               const alloc::Allocation& /*allocation*/, const alloc::LeafPool& /*pool*/) override {
    // A job that asked for 1.5 GPUs is given two but does not run faster than on 1.5: it is not
    // known to scale.
    JobRun run;
    run.reference = job.reference_speed;
    run.speed = job.whole_gpus > 1 ? job.reference_speed : context().speeds.OnGpuFor(job.slices);
    return run;
  }
};

}  // namespace

std::unique_ptr<Scheme> MakeWholeGpu(std::string name, const SchemeContext& context) {
  return std::make_unique<WholeGpu>(std::move(name), context);
}

std::unique_ptr<Scheme> MakeExclusive(std::string name, const SchemeContext& context) {
  return std::make_unique<Exclusive>(std::move(name), context);
}

}  // namespace flexmig::sim
