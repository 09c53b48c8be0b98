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
    return NodesWith(*context().model, context().cluster.gpus_per_node,
                     std::vector<mig::MigLayout>(gpus_.size(), all_));
  }
  alloc::AllocationRequest RequestFor(const WorkloadJob& job) const override {
    return OneToOneRequest(job, context());
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
    std::vector<int> whole;    // those of them that are whole GPUs, by node
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
  // On the node that has most of them as whole GPUs already; over nodes, as far as the request
  // allows it, on those that can have the most.
  bool ReserveWholeGpus(const alloc::AllocationRequest& request, Planning& planning);
  // Opens one of planning.idle for an instance, rather one whose layout will do as it is.
  // REQUIRES: `use` likes one of them.
  template <typename Use>
  void Open(int size, Planning& planning, const Use& use);
  [[nodiscard]] int WholeSize() const { return static_cast<int>(sizes_.size()) - 1; }
  [[nodiscard]] size_t NodeOf(size_t gpu) const {
    return gpu / static_cast<size_t>(context().cluster.gpus_per_node);
  }
  void Supply(Planning& planning, size_t gpu, int size) const;
  void SupplyAll(Planning& planning, size_t gpu) const;

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
      gpus_(static_cast<size_t>(context().cluster.gpu_count())) {}

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
  for (const size_t gpu : planning.idle) SupplyAll(as_it_is, gpu);
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
  planning.whole.resize(static_cast<size_t>(context().cluster.nodes));
  for (size_t gpu = 0; gpu < gpus_.size(); ++gpu) {
    if (!gpus_[gpu].in_service) {
      SupplyAll(planning, gpu);
    } else if (IsDrained(pool, gpu) && !gpus_[gpu].fresh) {
      planning.idle.push_back(gpu);
    } else {
      for (const mig::LeafId id : pool.FreeOn(mig::GpuIndex(static_cast<int>(gpu)))) {
        Supply(planning, gpu, pool.leaf(id).profile->compute_slices);
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

void DynamicDrain::Supply(Planning& planning, size_t gpu, int size) const {
  ++planning.supply[static_cast<size_t>(size)];
  if (size == WholeSize()) ++planning.whole[NodeOf(gpu)];
}

void DynamicDrain::SupplyAll(Planning& planning, size_t gpu) const {
  for (const mig::PlacedProfile& placed : gpus_[gpu].layout) {
    Supply(planning, gpu, context().model->FindProfile(placed.profile)->compute_slices);
  }
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
  if (request.leaf_count > 1) return ReserveWholeGpus(request, planning);
  return ReserveInstance(SizeFor(sizes_, request.min_compute_slices), planning);
}

bool DynamicDrain::ReserveInstance(int size, Planning& planning) {
  if (const int whole = planning.supply.back(); TakeFrom(planning.supply, size)) {
    if (planning.supply.back() < whole) {
      --*std::find_if(planning.whole.begin(), planning.whole.end(), [](int n) { return n > 0; });
    }
    return true;
  }
  for (Plan& plan : planning.opened) {
    ++plan.needs[static_cast<size_t>(size)];
    if (LayoutOf(plan.needs) != nullptr) return true;
    --plan.needs[static_cast<size_t>(size)];
  }
  if (planning.idle.empty()) return false;
  Open(size, planning, [](size_t /*gpu*/) { return true; });
  return true;
}

template <typename Use>
void DynamicDrain::Open(int size, Planning& planning, const Use& use) {
  Counts needs(sizes_.size());
  needs[static_cast<size_t>(size)] = 1;
  auto& idle = planning.idle;
  auto chosen = std::find_if(idle.begin(), idle.end(), [&](size_t gpu) {
    Counts have(sizes_.size());
    Add(have, gpus_[gpu].layout);
    return use(gpu) && Covers(std::move(have), needs);
  });
  if (chosen == idle.end()) chosen = std::find_if(idle.begin(), idle.end(), use);
  planning.opened.push_back({*chosen, std::move(needs)});
  idle.erase(chosen);
}

bool DynamicDrain::ReserveWholeGpus(const alloc::AllocationRequest& request, Planning& planning) {
  // By node: whole GPUs that are there, and with those that could be made.
  std::vector<int> ready = planning.whole;
  std::vector<int> room = planning.whole;
  for (const size_t gpu : planning.idle) {
    ++room[NodeOf(gpu)];
    if (gpus_[gpu].layout == WholeGpuLayout(*context().model)) ++ready[NodeOf(gpu)];
  }
  std::vector<std::pair<size_t, int>> shares;  // node, GPUs
  int rest = request.leaf_count;
  while (rest > 0) {
    const auto key = [&](size_t node) {
      const bool suffices = room[node] >= rest;
      return std::pair(suffices, suffices ? ready[node] : room[node]);
    };
    size_t best = 0;
    for (size_t node = 1; node < room.size(); ++node) {
      if (key(node) > key(best)) best = node;
    }
    if (room[best] == 0 || shares.size() == static_cast<size_t>(request.max_nodes)) return false;
    shares.emplace_back(best, std::min(room[best], rest));
    rest -= shares.back().second;
    room[best] = 0;
  }
  for (const auto& [node, count] : shares) {
    for (int i = 0; i < count; ++i) {
      if (planning.whole[node] > 0) {
        --planning.whole[node];
        --planning.supply.back();
      } else {
        Open(WholeSize(), planning, [&, at = node](size_t gpu) { return NodeOf(gpu) == at; });
      }
    }
  }
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
