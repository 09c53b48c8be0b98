// static:<layout>: the layout never changes. The smallest free instance that is large enough is
// what first-fit takes, because it tries small profiles first.

#include "flexmig/base/strings.h"

#include "schemes.h"

namespace flexmig::sim {

namespace {

class StaticLayout final : public Scheme {
 public:
  StaticLayout(std::string name, const SchemeContext& context, std::vector<mig::MigLayout> layouts)
      : Scheme(std::move(name), context), layouts_(std::move(layouts)) {}

  Role role() const override { return Role::kBaseline; }
  std::string Describe() const override {
    std::vector<std::string> texts;
    for (const mig::MigLayout& layout : layouts_) {
      texts.push_back(mig::DescribeLayout(*context().model, layout));
    }
    return StrCat("one instance a job; ", layouts_.size() > 1 ? "GPUs in turn " : "every GPU ",
                  StrJoin(texts, " | "));
  }
  mig::NodeInventory Inventory() const override {
    std::vector<mig::MigLayout> by_gpu;
    for (size_t gpu = 0; gpu < static_cast<size_t>(context().cluster.gpu_count()); ++gpu) {
      by_gpu.push_back(layouts_[gpu % layouts_.size()]);
    }
    return NodesWith(*context().model, context().cluster.gpus_per_node, by_gpu);
  }
  alloc::AllocationRequest RequestFor(const WorkloadJob& job) const override {
    return OneToOneRequest(job, context());
  }
  JobRun Start(sched::TimePoint /*now*/, const WorkloadJob& job,
               const alloc::Allocation& allocation, const alloc::LeafPool& pool) override {
    return OneToOneRun(job, allocation, pool, context().speeds);
  }

 private:
  std::vector<mig::MigLayout> layouts_;
};

}  // namespace

std::unique_ptr<Scheme> MakeStatic(std::string name, const SchemeContext& context,
                                   std::vector<mig::MigLayout> layouts) {
  return std::make_unique<StaticLayout>(std::move(name), context, std::move(layouts));
}

}  // namespace flexmig::sim
