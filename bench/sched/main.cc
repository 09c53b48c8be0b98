// sched-bench: how many jobs a second the scheduler takes from submission to end on one core, by
// queue policy, with and without the allocation policy's own time.
//
//   sched-bench [JOBS [GPUS [QUEUE]]]     default 200000 jobs on 64 GPUs of 7 leaves, all policies
//
// Jobs come so that the node is about full, with exact estimates, most of them narrow. `stub` gives
// out leaves from a stack, so that what is left is the scheduler's; every other name is an
// allocation policy.

#include <chrono>
#include <cstdio>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"
#include "flexmig/sched/replay.h"

namespace flexmig {
namespace {

using sched::Duration;
using sched::TimePoint;

// The first leaves that are free: no look at topology, no second profile.
class Stub final : public alloc::AllocationPolicy {
 public:
  std::string_view name() const override { return "stub"; }
  Result<alloc::Allocation> Choose(const alloc::AllocationRequest& request,
                                   const alloc::LeafPool& pool) const override {
    if (static_cast<size_t>(request.leaf_count) > pool.inventory().leaves.size()) {
      return InvalidArgumentError("more leaves than there are");
    }
    if (request.leaf_count > pool.free_count()) return ResourceExhaustedError("not now");
    alloc::Allocation allocation;
    allocation.leaves.reserve(static_cast<size_t>(request.leaf_count));
    const auto gpus = static_cast<int>(pool.inventory().gpus.size());
    for (int i = 0; i < gpus; ++i) {
      // From where the last search ended, so that full GPUs are not looked at again and again.
      const mig::GpuIndex gpu((next_gpu_ + i) % gpus);
      for (const mig::LeafId leaf : pool.FreeOn(gpu)) {
        allocation.leaves.push_back(leaf);
        if (allocation.leaves.size() == static_cast<size_t>(request.leaf_count)) {
          next_gpu_ = gpu.value();
          return allocation;
        }
      }
    }
    FLEXMIG_CHECK(false);
  }

 private:
  mutable int next_gpu_ = 0;
};

struct Arrival {
  TimePoint time;
  sched::Job job;
};

std::vector<Arrival> MakeArrivals(int jobs, int leaves) {
  SplitMix64 random(20261122);
  std::vector<Arrival> arrivals(static_cast<size_t>(jobs));
  // 3.4 leaves for 500 us on average: so that leaves are about full.
  const auto gap = static_cast<uint64_t>(2 * 3.4 * 500 * 1000 / leaves);
  uint64_t now_ns = 0;
  for (size_t i = 0; i < arrivals.size(); ++i) {
    now_ns += random.NextBelow(gap);
    arrivals[i].time = TimePoint(Duration(static_cast<int64_t>(now_ns / 1000)));
    sched::Job& job = arrivals[i].job;
    job.id = JobId(StrCat("job-", i));
    const bool wide = random.NextBelow(20) == 0;
    job.request.leaf_count = 1 + static_cast<int>(random.NextBelow(wide ? 28 : 5));
    job.estimate = Duration(1 + static_cast<int64_t>(random.NextBelow(1000)));
  }
  return arrivals;
}

// Jobs a second.
Result<double> Measure(const std::string& queue, const std::string& allocation, int gpus,
                       std::vector<Arrival> arrivals) {
  const mig::GpuModel& model = **mig::FindGpuModel("a100-40");
  FLEXMIG_ASSIGN_OR_RETURN(const auto layout, mig::UniformLayout(model, "1g.5gb"));
  FLEXMIG_ASSIGN_OR_RETURN(auto queue_policy, sched::MakeQueuePolicy(queue));
  std::unique_ptr<alloc::AllocationPolicy> policy = std::make_unique<Stub>();
  if (allocation != "stub") {
    FLEXMIG_ASSIGN_OR_RETURN(policy, alloc::MakePolicy(allocation));
  }
  sched::Scheduler scheduler(alloc::LeafPool(mig::NodeInventory::Uniform(model, gpus, layout)),
                             std::move(policy), std::move(queue_policy));

  using End = std::pair<TimePoint, size_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  std::vector<Duration> run_times;
  run_times.reserve(arrivals.size());
  for (const Arrival& arrival : arrivals) run_times.push_back(*arrival.job.estimate);
  std::vector<JobId> ids;
  ids.reserve(arrivals.size());
  for (const Arrival& arrival : arrivals) ids.push_back(arrival.job.id);

  const auto begin = std::chrono::steady_clock::now();
  size_t next = 0;
  while (next < arrivals.size() || !ends.empty()) {
    TimePoint now = next < arrivals.size() ? arrivals[next].time : sched::kNever;
    if (!ends.empty()) now = std::min(now, ends.top().first);
    while (!ends.empty() && ends.top().first == now) {
      FLEXMIG_RETURN_IF_ERROR(scheduler.Finish(now, ids[ends.top().second]));
      ends.pop();
    }
    for (; next < arrivals.size() && arrivals[next].time == now; ++next) {
      FLEXMIG_RETURN_IF_ERROR(scheduler.Submit(now, std::move(arrivals[next].job)));
    }
    FLEXMIG_ASSIGN_OR_RETURN(const auto decisions, scheduler.Tick(now));
    for (const sched::Decision& decision : decisions) {
      const auto& start = std::get<sched::StartJob>(decision);
      FLEXMIG_ASSIGN_OR_RETURN(const int64_t index,
                               ParseInt(start.job.value().substr(4), 0, INT32_MAX));
      const auto i = static_cast<size_t>(index);
      ends.emplace(now + run_times[i], i);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(arrivals.size()) / took.count();
}

int Main(int argc, char** argv) {
  const auto jobs = ParseInt(argc > 1 ? argv[1] : "200000", 1, 100'000'000);
  const auto gpus = ParseInt(argc > 2 ? argv[2] : "64", 4, 100'000);
  if (!jobs.ok() || !gpus.ok() || argc > 4) {
    std::fprintf(stderr, "usage: sched-bench [JOBS [GPUS [QUEUE]]], at least 1 and 4\n");
    return 2;
  }
  std::vector<std::string> queues = sched::QueuePolicyNames();
  if (argc > 3) queues = {argv[3]};
  const auto arrivals = MakeArrivals(static_cast<int>(*jobs), static_cast<int>(*gpus) * 7);
  std::printf("%-14s %-10s %12s %9s\n", "queue", "alloc", "jobs/s", "ns/job");
  for (const char* allocation : {"stub", "first-fit"}) {
    for (const std::string& queue : queues) {
      const auto rate = Measure(queue, allocation, static_cast<int>(*gpus), arrivals);
      if (!rate.ok()) {
        std::fprintf(stderr, "sched-bench: %s\n", rate.status().ToString().c_str());
        return 1;
      }
      std::printf("%-14s %-10s %12.0f %9.0f\n", queue.c_str(), allocation, *rate, 1e9 / *rate);
    }
  }
  return 0;
}

}  // namespace
}  // namespace flexmig

int main(int argc, char** argv) { return flexmig::Main(argc, argv); }
