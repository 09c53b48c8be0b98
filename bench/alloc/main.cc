// alloc-bench: what a decision costs, and what topo's weights are worth.
//
// Usage: alloc-bench            nanoseconds a decision, by policy and number of leaves
//        alloc-bench --sweep    the effect of topo's weights on a busy cluster
//
// Both keep a cluster of A100s in 1g leaves about 85 % full with jobs of 1 to 7 leaves, half of
// them 1 leaf: a random job ends, another begins. Seeds are fixed: equal choices in every run.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/alloc/policy.h"
#include "flexmig/base/check.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"

namespace {

namespace alloc = flexmig::alloc;
namespace mig = flexmig::mig;
using flexmig::JobId;
using flexmig::SplitMix64;
using flexmig::StrCat;

mig::NodeInventory Cluster(int nodes, int gpus_per_node) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  return mig::NodeInventory::Cluster(model, {nodes, gpus_per_node, 2},
                                     *mig::UniformLayout(model, "1g.5gb"));
}

int RandomSize(SplitMix64& random) {
  return random.NextBelow(2) == 0 ? 1 : 1 + static_cast<int>(random.NextBelow(7));
}

// A cluster under load. A third of the jobs does not communicate.
class BusyCluster {
 public:
  BusyCluster(mig::NodeInventory inventory, const alloc::AllocationPolicy& policy)
      : pool_(std::move(inventory)), policy_(policy), wanted_busy_(pool_.free_count() * 85 / 100) {
    while (busy_ < wanted_busy_) Begin();
  }

  // One job ends, others begin until as much is busy again; `extra` decisions more are made and
  // dropped for each that counts. Returns the number of jobs that began.
  int Turn(int extra) {
    const size_t at = random_.NextBelow(jobs_.size());
    const flexmig::Status released = pool_.Release(jobs_[at].id);
    FLEXMIG_CHECK(released.ok());
    busy_ -= jobs_[at].size;
    spare_.push_back(std::move(jobs_[at].id));
    jobs_[at] = std::move(jobs_.back());
    jobs_.pop_back();
    int begun = 0;
    for (; busy_ < wanted_busy_; ++begun) Begin(extra);
    return begun;
  }

  // What became of the jobs that began.
  struct Effect {
    int heavy = 0;
    int64_t link_load = 0;  // sum over the heavy ones, when they began
    int wide = 0;           // jobs of several leaves
    int crossed = 0;        // of them, on several NUMA nodes
  };
  Effect effect;

  [[nodiscard]] const alloc::LeafPool& pool() const { return pool_; }

 private:
  struct Running {
    JobId id;
    int size;
  };

  void Begin(int extra = 0) {
    alloc::AllocationRequest request;
    request.leaf_count = RandomSize(random_);
    request.comm = random_.NextBelow(3) == 0 ? alloc::Comm::kLight : alloc::Comm::kHeavy;
    for (int i = 0; i < extra; ++i) {
      FLEXMIG_CHECK(policy_.Choose(request, pool_).ok());
    }
    const auto chosen = policy_.Choose(request, pool_);
    FLEXMIG_CHECK(chosen.ok());
    if (count_effect) Count(request, *chosen);
    if (spare_.empty()) spare_.emplace_back(StrCat("job-", next_++));
    const flexmig::Status leased = pool_.Lease(spare_.back(), chosen->leaves, request.comm);
    FLEXMIG_CHECK(leased.ok());
    jobs_.push_back({std::move(spare_.back()), request.leaf_count});
    spare_.pop_back();
    busy_ += request.leaf_count;
  }

  void Count(const alloc::AllocationRequest& request, const alloc::Allocation& chosen) {
    const auto terms = alloc::MeasureTopo(pool_, request.comm, chosen.leaves);
    if (terms.link_load > 0) {
      ++effect.heavy;
      effect.link_load += terms.link_load;
    }
    if (request.leaf_count > 1) ++effect.wide;
    if (terms.numa_crossed > 0) ++effect.crossed;
  }

 public:
  bool count_effect = false;

 private:
  alloc::LeafPool pool_;
  const alloc::AllocationPolicy& policy_;
  SplitMix64 random_{20261122};
  std::vector<Running> jobs_;
  std::vector<JobId> spare_;  // names are made once: making them is not what is measured
  int next_ = 0;
  int busy_ = 0;
  int wanted_busy_;
};

// Nanoseconds of a job: a release, `extra` + 1 decisions and a lease. Processor time, so that other
// programs count little.
double NanosecondsOfJob(BusyCluster& cluster, int extra) {
  constexpr std::clock_t kTime = CLOCKS_PER_SEC / 4;
  int64_t jobs = 0;
  const std::clock_t start = std::clock();
  std::clock_t now = start;
  while (now - start < kTime) {
    for (int i = 0; i < 1'000; ++i) jobs += cluster.Turn(extra);
    now = std::clock();
  }
  return 1e9 * static_cast<double>(now - start) / CLOCKS_PER_SEC / static_cast<double>(jobs);
}

void PrintCosts() {
  struct Size {
    const char* name;
    int nodes;
    int gpus_per_node;
  };
  // The leaves are about 70, 700, 7,000, 70,000.
  constexpr Size kSizes[] = {{"1 node of 10 GPUs", 1, 10},
                             {"10 nodes of 10", 10, 10},
                             {"125 nodes of 8", 125, 8},
                             {"1250 nodes of 8", 1250, 8},
                             {"1 node of 10000", 1, 10000}};
  std::printf("%-17s %-18s %7s %9s %14s %9s\n", "policy", "cluster", "leaves", "decision",
              "lease+release", "jobs/s");
  for (const std::string& name : alloc::PolicyNames()) {
    const auto policy = *alloc::MakePolicy(name);
    for (const Size& size : kSizes) {
      BusyCluster cluster(Cluster(size.nodes, size.gpus_per_node), *policy);
      NanosecondsOfJob(cluster, 0);  // until the cluster looks as the policy makes it look
      constexpr int kExtra = 3;
      const double one = NanosecondsOfJob(cluster, 0);
      const double more = NanosecondsOfJob(cluster, kExtra);
      const double decision = (more - one) / kExtra;
      std::printf("%-17s %-18s %7zu %6.0f ns %11.0f ns %9.0f\n", name.c_str(), size.name,
                  cluster.pool().inventory().leaves.size(), decision, one - decision, 1e9 / one);
    }
  }
}

// The share of moments at which a job of 4 leaves on one GPU would find its leaves, and idle GPUs.
struct Room {
  double fits = 0;
  double idle_gpus = 0;
};

void PrintEffect(const std::string& name, const alloc::AllocationPolicy& policy) {
  BusyCluster cluster(Cluster(8, 8), policy);
  for (int i = 0; i < 5'000; ++i) cluster.Turn(0);
  cluster.count_effect = true;
  constexpr int kTurns = 20'000;
  Room room;
  for (int i = 0; i < kTurns; ++i) {
    cluster.Turn(0);
    const auto& pool = cluster.pool();
    room.fits += pool.indices()[0].TightestGpu(4) != alloc::LeafIndex::kNone ? 1 : 0;
    for (int gpu = 0; gpu < 64; ++gpu) {
      room.idle_gpus += pool.IsIdle(mig::GpuIndex(gpu)) ? 1 : 0;
    }
  }
  const auto& effect = cluster.effect;
  std::printf("%-30s %9.3f %11.1f %15.1f %9.2f\n", name.c_str(),
              static_cast<double>(effect.link_load) / effect.heavy,
              100.0 * effect.crossed / effect.wide, 100.0 * room.fits / kTurns,
              room.idle_gpus / kTurns);
}

void PrintSweep() {
  std::printf(
      "8 nodes of 8 GPUs, 85 %% busy. link: mean load of the busiest link of a heavy job\n"
      "when it begins. crossed: jobs of several leaves on several NUMA nodes. 4 on one:\n"
      "moments at which some GPU had 4 free leaves.\n\n");
  std::printf("%-30s %9s %11s %15s %9s\n", "policy", "link", "crossed %", "4 on one GPU %",
              "idle GPUs");
  for (const std::string& name : alloc::PolicyNames()) {
    PrintEffect(name, **alloc::MakePolicy(name));
  }
  const alloc::TopoWeights standard;
  const auto run = [](const alloc::TopoWeights& w) {
    alloc::PolicyOptions options;
    options.weights = w;
    PrintEffect(StrCat("topo ", w.link, "/", w.numa, "/", w.frag, "/", w.gpus),
                **alloc::MakePolicy("topo", options));
  };
  std::printf("\ntopo link/numa/frag/gpus, one weight at a time\n");
  for (const int weight : {0, 25, 50, 100, 200, 400}) {
    run({weight, standard.numa, standard.frag, standard.gpus});
  }
  for (const int weight : {0, 25, 50, 100, 200}) {
    run({standard.link, weight, standard.frag, standard.gpus});
  }
  for (const int weight : {0, 10, 20, 40, 80, 160}) {
    run({standard.link, standard.numa, weight, standard.gpus});
  }
  for (const int weight : {0, 15, 30, 60, 120}) {
    run({standard.link, standard.numa, standard.frag, weight});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    PrintCosts();
    return 0;
  }
  if (argc == 2 && std::string_view(argv[1]) == "--sweep") {
    PrintSweep();
    return 0;
  }
  std::fprintf(stderr, "usage: alloc-bench [--sweep]\n");
  return 2;
}
