#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"
#include "flexmig/partition/plan.h"

namespace flexmig::partition {

struct ApplyOptions {
  PlanOptions plan;
  // Holds the record of created instances and the lock that keeps applies apart.
  std::filesystem::path state_directory;
  // For another apply to end.
  std::chrono::milliseconds lock_wait{5000};
  // How long a step is tried again: instances stay in use for some tenths of a second after their
  // last client, and "destroyed" ones have been seen to linger.
  std::chrono::milliseconds retry_for{1000};
  // Makes sure that no job gets these MIG devices, because they are about to be destroyed. Called
  // before the first change, and before a failed GPU is brought back, with the devices that were
  // created on it: a job may have taken one already. An error keeps them from being destroyed; the
  // first call's ends the apply with nothing changed. May be empty.
  std::function<Status(const std::vector<mig::MigUuid>&)> reserve;
};

struct GpuOutcome {
  enum class Kind {
    kUnchanged,   // had its layout already
    kApplied,     // has it now
    kRolledBack,  // failed, and is as it was
    kLeftover,    // failed, and is neither: see `layout`
    kNotTried,    // an earlier GPU failed
  };
  Kind kind = Kind::kNotTried;
  std::vector<Step> steps;  // that were taken, without those of a rollback
  // At the end; if the backend no longer answers, at the beginning.
  bool mig_enabled = false;
  mig::MigLayout layout;
};

struct ApplyReport {
  NodePlan plan;
  std::vector<GpuOutcome> gpus;  // gpus[i] tells of plan.gpus[i]; empty if nothing was begun
  // Ok if every GPU has its layout. kFailedPrecondition, naming the blockers, if the plan is
  // blocked: nothing has changed then. Otherwise what stopped it, and where.
  Status status;
};

// Brings the node to `desired`, GPU by GPU, and asks the backend again after every change instead
// of believing it. A GPU on which a step fails is brought back to its old layout if possible; GPUs
// that are finished stay finished, later ones are not begun. Calling it again continues: after a
// failure, and after the death of the process at any point.
// Errors in the report: also kDeadlineExceeded naming the process that is applying already.
// Cost: some calls of the backend for every step.
ApplyReport Apply(hw::MigBackend& backend, const std::vector<DesiredGpu>& desired,
                  const ApplyOptions& options);

}  // namespace flexmig::partition
