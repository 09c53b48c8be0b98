// dynamic-drain: a GPU gets another layout only while no job runs on it.
//
// The scheduler sees every instance that a GPU could have as a leaf; those of the layout that is in
// place are in service, all others are lost to it. Before every Tick, if some GPU is drained and
// the layouts in place cannot take all who wait, the waiting jobs are walked in queue order: a job
// that an instance free on a busy GPU or on its way can take is counted off against it; for the
// others drained GPUs are opened, each taking jobs for as long as a legal layout with all of their
// instances exists. An opened GPU whose layout has them all stays as it is, the others are
// reconfigured, at the same time, and come back together, so that each job finds the instance that
// was made for it. What room a new layout leaves is filled with the largest instances that fit, for
// jobs to come. So new layouts admit as much of the queue's head as the drained GPUs can.
//
// No GPU is closed to make it drain. Under fifo none has to be: nothing starts behind a blocked
// head. Under policies that skip, a wide job can wait long, as on real systems of this kind.

#include <algorithm>
#include <map>
#include <optional>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

#include "schemes.h"

namespace flexmig::sim {

namespace {

// How far down the queue a new layout is planned for.
constexpr int kLookahead = 256;

// Instances by compute slices: counts[k] have k.
using Counts = std::vector<int>;

class DynamicDrain final : public Scheme {
 public:
  DynamicDrain(std::string name, const SchemeContext& scheme_context);

  Role role() const override { return Role::kBaseline; }
  std::string Describe() const override {
    return "one instance a job; a drained GPU gets the layout that admits most of the queue's head";
  }
  mig::NodeInventory Inventory() const override {
    return NodeWith(*context().model, std::vector<mig::MigLayout>(gpus_.size(), all_));
  }
  alloc::AllocationRequest RequestFor(const WorkloadJob& job) const override {
    return OneToOneRequest(job, *context().model);
  }
  JobRun Start(sched::TimePoint /*now*/, const WorkloadJob& job,
               const alloc::Allocation& allocation, const alloc::LeafPool& pool) override {
    return OneToOneRun(job, allocation, pool, context().speeds);
  }

  Status Begin(sched::TimePoint now, sched::Scheduler& scheduler) override;
  Result<std::vector<Reconfiguration>> BeforeTick(sched::TimePoint now,
                                                  sched::Scheduler& scheduler) override;
  Status Reconfigured(sched::TimePoint now, mig::GpuIndex gpu,
                      sched::Scheduler& scheduler) override;

 private:
  struct Gpu {
    mig::MigLayout layout;  // in place, or on its way while `in_service` is false
    bool in_service = true;
    // Ready at this very moment: those for whom it was reconfigured get it before it can be
    // reconfigured for somebody else, or sjf could keep it out of service for ever.
    bool fresh = false;
  };
  // A drained GPU and the instances that waiting jobs need of it.
  struct Plan {
    size_t gpu;
    Counts needs;
  };
  struct Planning {
    Counts supply;             // instances that nobody has yet
    std::vector<size_t> idle;  // drained GPUs that are not opened
    std::vector<Plan> opened;
  };

  [[nodiscard]] bool IsDrained(const alloc::LeafPool& pool, size_t gpu) const;
  void Add(Counts& counts, const mig::MigLayout& layout) const;
  // Whether each of `needs` finds an instance of its own in `have`.
  [[nodiscard]] static bool Covers(Counts have, const Counts& needs);
  static bool TakeFrom(Counts& supply, int size);
  // nullptr if no legal layout has these instances.
  const mig::MigLayout* LayoutOf(const Counts& counts);
  const mig::MigLayout& Filled(Counts counts);

  [[nodiscard]] Planning Survey(const alloc::LeafPool& pool) const;
  // Reserves for the waiting jobs in queue order; says whether all of them found what they need.
  bool ReserveHead(const sched::Scheduler& scheduler, Planning& planning);
  // Whether all that the request needs is found; takes it then, and nothing otherwise.
  bool Reserve(const alloc::AllocationRequest& request, Planning& planning);
  bool ReserveInstance(int size, Planning& planning);

  Status SetService(sched::TimePoint now, size_t gpu, bool in_service,
                    sched::Scheduler& scheduler) const;

  const std::vector<const mig::Profile*> sizes_;  // see ProfilesBySlices
  const mig::MigLayout all_;                      // their placements
  std::vector<Gpu> gpus_;
  std::map<Counts, std::optional<mig::MigLayout>> layouts_;  // results of PlaceCounts
};

DynamicDrain::DynamicDrain(std::string name, const SchemeContext& scheme_context)
    : Scheme(std::move(name), scheme_context),
      sizes_(ProfilesBySlices(*context().model)),
      all_(PlacementsOf(sizes_)),
      gpus_(static_cast<size_t>(context().gpu_count)) {}

Status DynamicDrain::Begin(sched::TimePoint now, sched::Scheduler& scheduler) {
  for (const mig::Leaf& leaf : scheduler.pool().inventory().leaves) {
    FLEXMIG_RETURN_IF_ERROR(scheduler.LeafLost(now, leaf.id));
  }
  return OkStatus();
}

Result<std::vector<Reconfiguration>> DynamicDrain::BeforeTick(sched::TimePoint now,
                                                              sched::Scheduler& scheduler) {
  std::vector<Reconfiguration> begun;
  if (scheduler.waiting_count() == 0) return begun;
  Planning planning = Survey(scheduler.pool());
  for (Gpu& gpu : gpus_) gpu.fresh = false;
  if (planning.idle.empty()) return begun;
  Planning as_it_is = planning;
  for (const size_t gpu : planning.idle) Add(as_it_is.supply, gpus_[gpu].layout);
  as_it_is.idle.clear();
  if (ReserveHead(scheduler, as_it_is)) return begun;
  ReserveHead(scheduler, planning);
  sched::Duration longest(0);
  for (const Plan& plan : planning.opened) {
    Gpu& gpu = gpus_[plan.gpu];
    Counts have(sizes_.size());
    Add(have, gpu.layout);
    if (Covers(std::move(have), plan.needs)) continue;
    const mig::MigLayout& layout = Filled(plan.needs);
    longest = std::max(longest, context().costs.Between(*context().model, gpu.layout, layout));
    FLEXMIG_RETURN_IF_ERROR(SetService(now, plan.gpu, false, scheduler));
    gpu.layout = layout;
    gpu.in_service = false;
    begun.push_back({mig::GpuIndex(static_cast<int>(plan.gpu)), now});
  }
  for (Reconfiguration& reconfiguration : begun) reconfiguration.ready += longest;
  return begun;
}

DynamicDrain::Planning DynamicDrain::Survey(const alloc::LeafPool& pool) const {
  Planning planning;
  planning.supply.resize(sizes_.size());
  for (size_t gpu = 0; gpu < gpus_.size(); ++gpu) {
    if (!gpus_[gpu].in_service) {
      Add(planning.supply, gpus_[gpu].layout);
    } else if (IsDrained(pool, gpu) && !gpus_[gpu].fresh) {
      planning.idle.push_back(gpu);
    } else {
      for (const mig::LeafId id : pool.FreeOn(mig::GpuIndex(static_cast<int>(gpu)))) {
        ++planning.supply[static_cast<size_t>(pool.leaf(id).profile->compute_slices)];
      }
    }
  }
  return planning;
}

bool DynamicDrain::ReserveHead(const sched::Scheduler& scheduler, Planning& planning) {
  bool all = true;
  sched::QueueCursor cursor(scheduler.queue());
  for (int seen = 0; seen < kLookahead; ++seen) {
    const sched::QueuedJob* job = cursor.Next();
    if (job == nullptr) return all;
    if (Reserve(job->job.request, planning)) continue;
    all = false;
    if (!scheduler.queue_policy().skips()) break;  // nothing behind it can start either
    cursor.SkipGroup();
  }
  return all;
}

Status DynamicDrain::Reconfigured(sched::TimePoint now, mig::GpuIndex gpu,
                                  sched::Scheduler& scheduler) {
  const auto index = static_cast<size_t>(gpu.value());
  gpus_[index].in_service = true;
  gpus_[index].fresh = true;
  return SetService(now, index, true, scheduler);
}

bool DynamicDrain::IsDrained(const alloc::LeafPool& pool, size_t gpu) const {
  return gpus_[gpu].in_service && pool.free_count(mig::GpuIndex(static_cast<int>(gpu))) ==
                                      static_cast<int>(gpus_[gpu].layout.size());
}

void DynamicDrain::Add(Counts& counts, const mig::MigLayout& layout) const {
  for (const mig::PlacedProfile& placed : layout) {
    const mig::Profile* profile = context().model->FindProfile(placed.profile);
    ++counts[static_cast<size_t>(profile->compute_slices)];
  }
}

bool DynamicDrain::Covers(Counts have, const Counts& needs) {
  // Large needs first: what they leave is all that smaller ones could have had, too.
  for (size_t size = needs.size(); size-- > 0;) {
    for (int i = 0; i < needs[size]; ++i) {
      if (!TakeFrom(have, static_cast<int>(size))) return false;
    }
  }
  return true;
}

bool DynamicDrain::TakeFrom(Counts& supply, int size) {
  for (auto at = static_cast<size_t>(size); at < supply.size(); ++at) {
    if (supply[at] > 0) {
      --supply[at];
      return true;
    }
  }
  return false;
}

const mig::MigLayout* DynamicDrain::LayoutOf(const Counts& counts) {
  const auto [at, is_new] = layouts_.try_emplace(counts);
  if (is_new) {
    mig::ProfileCounts by_name;
    for (size_t size = 0; size < counts.size(); ++size) {
      if (counts[size] > 0) by_name[std::string(sizes_[size]->name)] = counts[size];
    }
    auto layout = mig::PlaceCounts(*context().model, by_name);
    if (layout.ok()) at->second = *std::move(layout);
  }
  return at->second ? &*at->second : nullptr;
}

const mig::MigLayout& DynamicDrain::Filled(Counts counts) {
  for (size_t size = sizes_.size(); size-- > 1;) {
    if (sizes_[size] == nullptr) continue;
    ++counts[size];
    while (LayoutOf(counts) != nullptr) ++counts[size];
    --counts[size];
  }
  const mig::MigLayout* layout = LayoutOf(counts);
  FLEXMIG_CHECK(layout != nullptr);
  return *layout;
}

bool DynamicDrain::Reserve(const alloc::AllocationRequest& request, Planning& planning) {
  const int size = SizeFor(sizes_, request.min_compute_slices);
  if (request.leaf_count == 1) return ReserveInstance(size, planning);
  Planning tried = planning;
  for (int i = 0; i < request.leaf_count; ++i) {
    if (!ReserveInstance(size, tried)) return false;
  }
  planning = std::move(tried);
  return true;
}

bool DynamicDrain::ReserveInstance(int size, Planning& planning) {
  if (TakeFrom(planning.supply, size)) return true;
  for (Plan& plan : planning.opened) {
    ++plan.needs[static_cast<size_t>(size)];
    if (LayoutOf(plan.needs) != nullptr) return true;
    --plan.needs[static_cast<size_t>(size)];
  }
  if (planning.idle.empty()) return false;
  Counts needs(sizes_.size());
  needs[static_cast<size_t>(size)] = 1;
  // Rather one whose layout will do as it is.
  const auto fitting = std::find_if(planning.idle.begin(), planning.idle.end(), [&](size_t gpu) {
    Counts have(sizes_.size());
    Add(have, gpus_[gpu].layout);
    return Covers(std::move(have), needs);
  });
  const auto chosen = fitting == planning.idle.end() ? planning.idle.begin() : fitting;
  planning.opened.push_back({*chosen, std::move(needs)});
  planning.idle.erase(chosen);
  return true;
}

Status DynamicDrain::SetService(sched::TimePoint now, size_t gpu, bool in_service,
                                sched::Scheduler& scheduler) const {
  const mig::MigLayout& layout = gpus_[gpu].layout;
  for (size_t i = 0; i < all_.size(); ++i) {
    if (!std::binary_search(layout.begin(), layout.end(), all_[i])) continue;
    const mig::LeafId leaf(static_cast<int>(gpu * all_.size() + i));
    FLEXMIG_RETURN_IF_ERROR(in_service ? scheduler.LeafBack(now, leaf)
                                       : scheduler.LeafLost(now, leaf));
  }
  return OkStatus();
}

}  // namespace

std::unique_ptr<Scheme> MakeDynamicDrain(std::string name, const SchemeContext& context) {
  return std::make_unique<DynamicDrain>(std::move(name), context);
}

}  // namespace flexmig::sim
