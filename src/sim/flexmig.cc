// flexmig: one-to-many. Every GPU is flattened once to the board's smallest instances; a job gets
// as many as it asks for slices, anywhere, one process on each.

#include "flexmig/base/strings.h"

#include "schemes.h"

namespace flexmig::sim {

namespace {

class Flexmig final : public Scheme {
 public:
  Flexmig(std::string name, const SchemeContext& context, mig::MigLayout layout)
      : Scheme(std::move(name), context),
        layout_(std::move(layout)),
        leaf_slices_(mig::DefaultLeafProfile(*context.model).compute_slices) {}

  Role role() const override { return Role::kFlexmig; }
  std::string Describe() const override {
    return StrCat("one job on many leaves; every GPU ",
                  mig::DescribeLayout(*context().model, layout_), ", chosen by ",
                  context().flexmig_allocation);
  }
  mig::NodeInventory Inventory() const override {
    return mig::NodeInventory::Uniform(*context().model, context().gpu_count, layout_);
  }
  Result<std::unique_ptr<alloc::AllocationPolicy>> AllocationPolicy() const override {
    return alloc::MakePolicy(context().flexmig_allocation);
  }
  alloc::AllocationRequest RequestFor(const WorkloadJob& job) const override {
    alloc::AllocationRequest request;
    request.leaf_count = (job.slices + leaf_slices_ - 1) / leaf_slices_;
    return request;
  }
  JobRun Start(sched::TimePoint /*now*/, const WorkloadJob& job,
               const alloc::Allocation& allocation, const alloc::LeafPool& /*pool*/) override {
    const auto leaves = static_cast<int>(allocation.leaves.size());
    JobRun run;
    run.reference = job.reference_speed;
    run.speed = context().speeds.OnLeaves(leaves, leaf_slices_);
    run.communicates = leaves > 1;
    return run;
  }

 private:
  mig::MigLayout layout_;
  int leaf_slices_;
};

}  // namespace

Result<std::unique_ptr<Scheme>> MakeFlexmig(std::string name, const SchemeContext& context) {
  const mig::Profile& leaf = mig::DefaultLeafProfile(*context.model);
  FLEXMIG_ASSIGN_OR_RETURN(auto layout, mig::UniformLayout(*context.model, leaf.name));
  return std::unique_ptr<Scheme>(
      std::make_unique<Flexmig>(std::move(name), context, std::move(layout)));
}

}  // namespace flexmig::sim
