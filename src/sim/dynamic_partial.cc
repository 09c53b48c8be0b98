// dynamic-partial: an instance is created for every job, around those of running jobs, and
// destroyed at its end. What DRA and HAMi-like systems do, without their scheduling delays.
//
// The scheduler sees every placement of every profile as a leaf; FlexiblePlacement gives out only
// what can exist beside the leased ones. Creating and destroying cost what ReconfigurationCosts
// says; the job holds its place for both. The driver serialises calls on one GPU, so creations
// there queue up; destructions are taken not to wait for them. Services are not restarted: their
// GPUs never leave service.

#include <algorithm>

#include "flexible_placement.h"
#include "schemes.h"

namespace flexmig::sim {
namespace {

class DynamicPartial final : public Scheme {
 public:
  DynamicPartial(std::string name, const SchemeContext& scheme_context)
      : Scheme(std::move(name), scheme_context),
        profiles_(ProfilesBySlices(*context().model)),
        placements_(PlacementsOf(profiles_)),
        creating_until_(static_cast<size_t>(context().cluster.gpu_count())) {}

  Role role() const override { return Role::kBaseline; }
  std::string Describe() const override {
    return "one instance a job, created around running ones where it takes least flexibility, "
           "destroyed at its end";
  }
  mig::NodeInventory Inventory() const override {
    return NodesWith(*context().model, context().cluster.gpus_per_node,
                     std::vector<mig::MigLayout>(creating_until_.size(), placements_));
  }
  Result<std::unique_ptr<alloc::AllocationPolicy>> AllocationPolicy() const override {
    return std::unique_ptr<alloc::AllocationPolicy>(
        std::make_unique<FlexiblePlacement>(*context().model, profiles_, placements_));
  }
  alloc::AllocationRequest RequestFor(const WorkloadJob& job) const override {
    return OneToOneRequest(job, context());
  }
  JobRun Start(sched::TimePoint now, const WorkloadJob& job, const alloc::Allocation& allocation,
               const alloc::LeafPool& pool) override {
    JobRun run = OneToOneRun(job, allocation, pool, context().speeds);
    for (const mig::LeafId id : allocation.leaves) {
      const mig::Leaf& leaf = pool.leaf(id);
      const int slices = leaf.profile->compute_slices;
      sched::TimePoint& busy = creating_until_[static_cast<size_t>(leaf.gpu.value())];
      busy = std::max(busy, now) + context().costs.Create(*context().model, slices);
      run.setup = std::max(run.setup, busy - now);
      run.teardown = std::max(run.teardown, context().costs.Destroy(*context().model, slices));
    }
    return run;
  }

 private:
  const std::vector<const mig::Profile*> profiles_;
  const mig::MigLayout placements_;
  std::vector<sched::TimePoint> creating_until_;  // by GPU
};

}  // namespace

std::unique_ptr<Scheme> MakeDynamicPartial(std::string name, const SchemeContext& context) {
  return std::make_unique<DynamicPartial>(std::move(name), context);
}

}  // namespace flexmig::sim
