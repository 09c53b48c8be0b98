#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/alloc/leaf_pool.h"
#include "flexmig/alloc/policy.h"
#include "flexmig/alloc/request.h"
#include "flexmig/base/status.h"
#include "flexmig/mig/gpu_model.h"
#include "flexmig/mig/inventory.h"
#include "flexmig/sched/scheduler.h"
#include "flexmig/sim/cluster_shape.h"
#include "flexmig/sim/communication.h"
#include "flexmig/sim/costs.h"
#include "flexmig/sim/speed_model.h"
#include "flexmig/sim/workload.h"

namespace flexmig::sim {

// What a scheme is to a comparison.
enum class Role {
  kBaseline,  // Flex-MIG is to be compared with it, under the same speed model
  kFlexmig,
  kReference,  // knows no speed model: not comparable with the others
};

// A GPU that is out of service until `ready`.
struct Reconfiguration {
  mig::GpuIndex gpu;
  sched::TimePoint ready;
};

// What all schemes of a comparison share.
struct SchemeContext {
  const mig::GpuModel* model = nullptr;  // static storage
  ClusterShape cluster;
  SpeedModel speeds;
  ReconfigurationCosts costs;
  Communication communication;
  std::string flexmig_allocation = "first-fit";  // how `flexmig` chooses leaves
  SpanNodes span_nodes = SpanNodes::kWide;       // the same rule for all
};

// How a started job goes on.
struct JobRun {
  sched::Duration setup{};  // from its start until it makes progress
  // The trace's duration times reference / speed is its run time from then on; both above 0.
  int64_t reference = 1;
  int64_t speed = 1;
  bool communicates = false;   // over several leaves: `speed` is then before communication
  sched::Duration teardown{};  // from its end until its leaves are free
};

// One of the compared ways to cut the GPUs and to give them to jobs. When a job starts is decided
// by sched::Scheduler, the same one for all; a scheme says what there is to give out, what a job
// asks for, and how long it then runs.
//
// Threading: one owner. One object serves one run.
class Scheme {
 public:
  virtual ~Scheme() = default;
  Scheme(const Scheme&) = delete;
  Scheme& operator=(const Scheme&) = delete;

  // As the user wrote it.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const SchemeContext& context() const { return context_; }
  [[nodiscard]] virtual Role role() const = 0;
  // One line: the rule, for the reader of a result.
  [[nodiscard]] virtual std::string Describe() const = 0;

  [[nodiscard]] virtual mig::NodeInventory Inventory() const = 0;
  // Which leaves a job gets; first-fit unless the scheme says otherwise.
  [[nodiscard]] virtual Result<std::unique_ptr<alloc::AllocationPolicy>> AllocationPolicy() const;
  [[nodiscard]] virtual alloc::AllocationRequest RequestFor(const WorkloadJob& job) const = 0;
  // Other numbers of leaves on which the job would run, too; nullopt if it is not moldable.
  [[nodiscard]] virtual std::optional<sched::MoldableRange> MoldableFor(
      const WorkloadJob& job) const;
  // Called for every start, in the order of the scheduler's decisions.
  [[nodiscard]] virtual JobRun Start(sched::TimePoint now, const WorkloadJob& job,
                                     const alloc::Allocation& allocation,
                                     const alloc::LeafPool& pool) = 0;

  // Called once, before the first event.
  virtual Status Begin(sched::TimePoint now, sched::Scheduler& scheduler);
  // Called when all that happened at `now` has been reported, before the scheduler decides. Returns
  // the GPUs that are taken out of service now, for which Reconfigured is called when they are
  // ready.
  virtual Result<std::vector<Reconfiguration>> BeforeTick(sched::TimePoint now,
                                                          sched::Scheduler& scheduler);
  virtual Status Reconfigured(sched::TimePoint now, mig::GpuIndex gpu, sched::Scheduler& scheduler);

 protected:
  Scheme(std::string name, const SchemeContext& context)
      : name_(std::move(name)), context_(context) {}

 private:
  const std::string name_;
  const SchemeContext context_;
};

// "whole-gpu"         a whole GPU for every started GPU of demand, run times as in the trace: no
//                     MIG, no speed model. Reproduces what simulators of GPU clusters print.
// "exclusive"         the same with MIG off under the speed model: a small job runs faster.
// "static:<layout>"   a fixed layout on every GPU: the smallest free instance that is large enough,
//                     whole GPUs for jobs that span GPUs. Layouts as mig::ParseLayout;
//                     "<layout>/<layout>" gives GPU i the layout i modulo their number.
// "dynamic-drain"     a GPU is given another layout only while no job runs on it, and is then out
//                     of service for as long as ReconfigurationCosts says; the layout is the one
//                     that admits most of the queue's head.
// "dynamic-partial"   an instance is created for every job, around those of running jobs, and
//                     destroyed at its end; both take time.
// "flexmig"           one-to-many over the board's smallest instances, as many as slices asked for.
// "flexmig-moldable"  the same with a range: from half to all of what was asked for, chosen at the
//                     start; "flexmig-moldable:0.25-2" for other shares of that. More than was
//                     asked for shortens a makespan that one long job decides, and lets all others
//                     wait for it.
// "flexmig-rounded"   as flexmig, but as many leaves as the smallest instance that is large enough
//                     has slices: what shows how much of the gain is due to exact sizes.
// Errors: kNotFound, listing the names, or for an unknown profile; kInvalidArgument for a
// layout that is malformed or that the board cannot hold, and for a range that is not one.
Result<std::unique_ptr<Scheme>> MakeScheme(std::string_view name, const SchemeContext& context);

}  // namespace flexmig::sim
