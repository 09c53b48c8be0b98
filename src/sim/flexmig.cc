// flexmig: one-to-many. Every GPU is flattened once to the board's smallest instances; a job gets
// as many as it asks for slices, anywhere, one process on each.

#include "flexmig/base/strings.h"

#include "schemes.h"

namespace flexmig::sim {

namespace {

class Flexmig final : public Scheme {
 public:
  Flexmig(std::string name, const SchemeContext& context, mig::MigLayout layout)
      : Scheme(std::move(name)),
        context_(context),
        layout_(std::move(layout)),
        leaf_slices_(mig::DefaultLeafProfile(*context.model).compute_slices) {}

  Role role() const override { return Role::kFlexmig; }
  std::string Describe() const override {
    return StrCat("one job on many leaves; every GPU ",
                  mig::DescribeLayout(*context_.model, layout_), ", chosen by ",
                  context_.flexmig_allocation);
  }
  mig::NodeInventory Inventory() const override {
    return mig::NodeInventory::Uniform(*context_.model, context_.gpu_count, layout_);
  }
  std::string_view allocation_policy() const override { return context_.flexmig_allocation; }
  alloc::AllocationRequest RequestFor(const WorkloadJob& job) const override {
    alloc::AllocationRequest request;
    request.leaf_count = (job.slices + leaf_slices_ - 1) / leaf_slices_;
    return request;
  }
  sched::Duration RunTime(const WorkloadJob& job, const alloc::Allocation& allocation,
                          const alloc::LeafPool& /*pool*/) const override {
    const auto leaves = static_cast<int>(allocation.leaves.size());
    return ScaleRunTime(job.duration, job.reference_speed,
                        context_.speeds.OnLeaves(leaves, leaf_slices_));
  }

 private:
  SchemeContext context_;
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
