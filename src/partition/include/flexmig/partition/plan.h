#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/mig/layout.h"
#include "flexmig/partition/created_record.h"
#include "flexmig/partition/observed.h"

namespace flexmig::partition {

// What one GPU is to become: which instances, and where only if `exact` says so.
struct DesiredGpu {
  mig::GpuIndex gpu;
  bool mig_enabled = true;
  mig::ProfileCounts instances;
  std::optional<mig::MigLayout> exact = std::nullopt;  // of these instances; sorted
};

// How often each profile stands in the layout.
mig::ProfileCounts CountProfiles(const mig::GpuModel& model, const mig::MigLayout& layout);

struct Step {
  enum class Kind {
    kEnableMig,
    kDisableMig,
    kDestroyComputeInstance,
    kDestroyGpuInstance,
    kCreateGpuInstance,
    kCreateComputeInstance,
  };
  Kind kind = Kind::kEnableMig;
  mig::PlacedProfile placed;  // of the GPU instance; not for the mode switches

  friend bool operator==(const Step&, const Step&) = default;
};

// "destroy compute instance of 1g.5gb at 0:1".
std::string DescribeStep(const mig::GpuModel& model, const Step& step);

// Why a GPU cannot be brought to its layout now.
struct Blocker {
  enum class Kind {
    kProcesses,   // use an instance that would have to go, or the whole GPU
    kLease,       // a job holds such an instance
    kNotCreated,  // such an instance is not ours; force lifts this one
  };
  Kind kind = Kind::kProcesses;
  std::string what;  // "1g.5gb at 0:1 is in use by process 4711"
};

struct GpuPlan {
  ObservedGpu present;
  bool mig_enabled = false;  // wanted
  mig::MigLayout target;
  std::vector<Step> steps;        // empty: nothing to do
  std::vector<Blocker> blockers;  // empty: the steps can be taken
  mig::LayoutPrice price;         // of the target; with MIG off, of the GPU as one instance
  int kept = 0;                   // instances of `present` that stay
};

struct NodePlan {
  std::vector<GpuPlan> gpus;

  [[nodiscard]] bool is_done() const;
  [[nodiscard]] bool is_blocked() const;
  // The MIG devices that the steps destroy.
  [[nodiscard]] std::vector<mig::MigUuid> doomed_leaves() const;
};

// The steps from `present` to the layout; instances without compute instance get theirs. Destroys
// first, from the inside out; creates by placement.
std::vector<Step> StepsTo(const ObservedGpu& present, bool mig_enabled,
                          const mig::MigLayout& target);

// Plans one GPU; pure. Among all arrangements of the wanted instances the one is taken that keeps,
// in this order, the most instances in use, the most not created here (unless forced), the most at
// all; among equals the one of mig::PlaceCounts, or else the first along the GPU. Instances in use
// are never destroyed: such a plan is blocked.
// Errors: kNotFound for a profile, kInvalidArgument for instances that the board can never hold, or
// for MIG on a board that has none.
// Cost: all legal layouts of the wanted profiles are tried, some hundreds.
Result<GpuPlan> PlanGpu(const ObservedGpu& present, const DesiredGpu& desired, bool force);

struct PlanOptions {
  bool force = false;       // destroy instances that were not created here, too
  LeaseHolderOf holder_of;  // empty: nothing is leased
};

// Plans all of `desired` against the node as it is now.
// Errors: those of PlanGpu and the backend; kNotFound for a GPU. Messages name the GPU.
Result<NodePlan> MakePlan(hw::MigBackend& backend, const std::vector<DesiredGpu>& desired,
                          const CreatedRecord& record, const PlanOptions& options);

}  // namespace flexmig::partition
