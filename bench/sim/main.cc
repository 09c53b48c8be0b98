// sim-bench: jobs a second that the simulator replays on one core, and what it remembers of a job.
//
//   sim-bench [JOBS [NODES GPUS]]      default 1000000 jobs on 8 nodes of 8 GPUs of 7 leaves
//
// Made-up jobs with the sizes of openb's that share a GPU, at 95 % of what the cluster can do:
// queues come and go. Timed is Simulate alone, in processor time; bytes are those that workload and
// outcome hold when it has returned, by malloc's own count.

#include <cstdio>
#include <ctime>
#include <string>

#include <malloc.h>

#include "flexmig/base/strings.h"
#include "flexmig/sched/queue_policy.h"
#include "flexmig/sim/scheme.h"
#include "flexmig/sim/simulator.h"
#include "flexmig/sim/workload.h"
#include "flexmig/trace/generator.h"

namespace flexmig {
namespace {

struct Case {
  const char* policy;
  const char* queue;
  const char* allocation;
};
constexpr Case kCases[] = {
    {"flexmig", "fifo", "first-fit"},         {"flexmig", "fifo", "topo"},
    {"flexmig", "easy", "first-fit"},         {"flexmig", "easy", "topo"},
    {"flexmig-moldable", "easy", "topo"},     {"exclusive", "fifo", "first-fit"},
    {"dynamic-partial", "fifo", "first-fit"}, {"dynamic-drain", "fifo", "first-fit"}};

size_t Allocated() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

Status Measure(const Case& one, const sim::ClusterShape& cluster, const std::string& jobs) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  sim::SpeedOptions speed;
  speed.oversize = sim::Oversize::kSame;
  const sim::SchemeContext context{.model = &model,
                                   .cluster = cluster,
                                   .speeds = sim::SpeedModel(model, speed),
                                   .costs = {},
                                   .communication = *sim::Communication::Parse("0.95"),
                                   .flexmig_allocation = one.allocation};
  const size_t before = Allocated();
  sim::WorkloadOptions options;
  options.load = 0.95;
  sim::Workload workload;
  {
    FLEXMIG_ASSIGN_OR_RETURN(
        const auto generator,
        trace::ParseGeneratorOptions(StrCat("jobs=", jobs, ",seed=1,sizes=openb-shared")));
    FLEXMIG_ASSIGN_OR_RETURN(const auto records, trace::Generate(generator));
    FLEXMIG_ASSIGN_OR_RETURN(
        workload, sim::MakeWorkload(records, model, cluster.gpu_count(), context.speeds, options));
  }
  workload.jobs.shrink_to_fit();
  FLEXMIG_ASSIGN_OR_RETURN(const auto scheme, sim::MakeScheme(one.policy, context));
  FLEXMIG_ASSIGN_OR_RETURN(auto queue, sched::MakeQueuePolicy(one.queue));
  const std::clock_t start = std::clock();
  FLEXMIG_ASSIGN_OR_RETURN(const auto outcome, sim::Simulate(workload, *scheme, std::move(queue)));
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const auto count = static_cast<double>(workload.jobs.size());
  std::printf("%-18s %-6s %-10s %9.0f %10.2f %8.0f\n", one.policy, one.queue, one.allocation,
              count / seconds, 1e6 * seconds / count,
              static_cast<double>(Allocated() - before) / count);
  std::fflush(stdout);
  return outcome.jobs.empty() ? InternalError("no job was simulated") : OkStatus();
}

int Main(int argc, char** argv) {
  const std::string jobs = argc > 1 ? argv[1] : "1000000";
  const auto cluster = sim::ClusterShape::Parse(argc > 3 ? StrCat(argv[2], "x", argv[3]) : "8x8");
  if (argc > 4 || argc == 3 || !cluster.ok()) {
    std::fprintf(stderr, "usage: sim-bench [JOBS [NODES GPUS]]\n");
    return 2;
  }
  std::printf("%-18s %-6s %-10s %9s %10s %8s\n", "policy", "queue", "alloc", "jobs/s", "us/job",
              "bytes/job");
  for (const Case& one : kCases) {
    const Status status = Measure(one, *cluster, jobs);
    if (status.ok()) continue;
    std::fprintf(stderr, "sim-bench: %s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace flexmig

int main(int argc, char** argv) { return flexmig::Main(argc, argv); }
