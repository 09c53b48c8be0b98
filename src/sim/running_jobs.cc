#include "running_jobs.h"

#include <algorithm>
#include <limits>

#include "flexmig/base/check.h"

namespace flexmig::sim {
namespace {

constexpr int64_t kMillion = 1'000'000;

}  // namespace

RunningJobs::RunningJobs(const mig::NodeInventory& inventory, const Communication& communication)
    : inventory_(inventory),
      communication_(communication),
      on_gpu_(inventory.gpus.size()),
      on_node_(inventory.gpus.empty()
                   ? 0
                   : static_cast<size_t>(inventory.gpus.back().node.value()) + 1) {}

Result<const std::vector<RunningJobs::End>*> RunningJobs::Start(size_t index, sched::TimePoint now,
                                                                const JobRun& run,
                                                                sched::Duration duration,
                                                                const alloc::Allocation& leaves) {
  FLEXMIG_CHECK(run.reference > 0 && run.speed > 0);
  ends_.clear();
  const auto [at, is_new] = jobs_.try_emplace(index);
  FLEXMIG_CHECK(is_new);
  Job& job = at->second;
  job.work = static_cast<Wide>(duration.count()) * run.reference;
  job.since = now + run.setup;
  job.compute_speed = run.speed;
  if (!run.communicates) {
    FLEXMIG_RETURN_IF_ERROR(SetSpeed(index, job, now, run.speed));
    return &ends_;
  }
  if (communication_.kind == Communication::Kind::kLinks) {
    Place(index, job, leaves);
    int most = 0;
    for (const OnGpu& one : job.gpus) most = std::max(most, one.ranks);
    job.shares = communication_.SharesOf(run.speed, {most * kMillion, GradientsOf(job)});
  }
  FLEXMIG_RETURN_IF_ERROR(SetSpeed(index, job, now, SpeedOf(index, job)));
  FLEXMIG_RETURN_IF_ERROR(UpdateNeighbours(job, index, now));
  return &ends_;
}

void RunningJobs::Place(size_t index, Job& job, const alloc::Allocation& leaves) {
  for (const mig::LeafId leaf : leaves.leaves) {
    const auto gpu =
        static_cast<size_t>(inventory_.leaves[static_cast<size_t>(leaf.value())].gpu.value());
    const auto known = std::find_if(job.gpus.begin(), job.gpus.end(),
                                    [&](const OnGpu& one) { return one.gpu == gpu; });
    if (known == job.gpus.end()) {
      job.gpus.push_back({gpu, 1});
      on_gpu_[gpu].push_back(index);
    } else {
      ++known->ranks;
    }
  }
  for (const OnGpu& one : job.gpus) {
    job.nodes.push_back(static_cast<size_t>(inventory_.gpus[one.gpu].node.value()));
  }
  std::sort(job.nodes.begin(), job.nodes.end());
  job.nodes.erase(std::unique(job.nodes.begin(), job.nodes.end()), job.nodes.end());
  if (job.nodes.size() == 1) job.nodes.clear();
  for (const size_t node : job.nodes) on_node_[node].push_back(index);
}

bool RunningJobs::IsCurrent(const End& end) const {
  const auto job = jobs_.find(end.job);
  return job != jobs_.end() && job->second.version == end.version;
}

Result<const std::vector<RunningJobs::End>*> RunningJobs::Finish(size_t index,
                                                                 sched::TimePoint now) {
  ends_.clear();
  const auto at = jobs_.find(index);
  FLEXMIG_CHECK(at != jobs_.end());
  const Job job = std::move(at->second);
  jobs_.erase(at);
  for (const OnGpu& one : job.gpus) std::erase(on_gpu_[one.gpu], index);
  for (const size_t node : job.nodes) std::erase(on_node_[node], index);
  FLEXMIG_RETURN_IF_ERROR(UpdateNeighbours(job, index, now));
  return &ends_;
}

int64_t RunningJobs::SpeedOf(size_t index, const Job& job) const {
  return communication_.SpeedUnder(job.compute_speed, LoadOf(index, job));
}

int64_t RunningJobs::GradientsOf(const Job& job) {
  return job.nodes.empty() ? 0 : Communication::MicroGradients(static_cast<int>(job.nodes.size()));
}

Communication::Load RunningJobs::LoadOf(size_t index, const Job& job) const {
  Communication::Load busiest;
  for (const OnGpu& own : job.gpus) {
    int64_t ranks = own.ranks * kMillion;
    for (const size_t other : on_gpu_[own.gpu]) {
      if (other == index) continue;
      const Job& neighbour = jobs_.at(other);
      for (const OnGpu& theirs : neighbour.gpus) {
        if (theirs.gpu == own.gpu) ranks += theirs.ranks * neighbour.shares.links;
      }
    }
    busiest.micro_ranks = std::max(busiest.micro_ranks, ranks);
  }
  for (const size_t node : job.nodes) {
    int64_t gradients = GradientsOf(job);
    for (const size_t other : on_node_[node]) {
      if (other == index) continue;
      const Job& neighbour = jobs_.at(other);
      gradients += GradientsOf(neighbour) * neighbour.shares.network / kMillion;
    }
    busiest.micro_gradients = std::max(busiest.micro_gradients, gradients);
  }
  return busiest;
}

Status RunningJobs::SetSpeed(size_t index, Job& job, sched::TimePoint now, int64_t speed) {
  if (now > job.since) {
    job.work -= static_cast<Wide>((now - job.since).count()) * job.speed;
    job.since = now;
  }
  job.speed = speed;
  const Wide left = (std::max<Wide>(job.work, 0) + speed / 2) / speed;
  // Half the range is left for sums of two times.
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max() / 2;
  if (left > kEnd - job.since.time_since_epoch().count()) {
    return InvalidArgumentError("the schedule ends later than 2^62 microseconds");
  }
  ends_.push_back({index, ++job.version, job.since + sched::Duration(static_cast<int64_t>(left))});
  return OkStatus();
}

Status RunningJobs::UpdateNeighbours(const Job& job, size_t without, sched::TimePoint now) {
  std::vector<size_t> neighbours;
  for (const OnGpu& one : job.gpus) {
    neighbours.insert(neighbours.end(), on_gpu_[one.gpu].begin(), on_gpu_[one.gpu].end());
  }
  for (const size_t node : job.nodes) {
    neighbours.insert(neighbours.end(), on_node_[node].begin(), on_node_[node].end());
  }
  std::sort(neighbours.begin(), neighbours.end());
  neighbours.erase(std::unique(neighbours.begin(), neighbours.end()), neighbours.end());
  for (const size_t index : neighbours) {
    if (index == without) continue;
    Job& neighbour = jobs_.at(index);
    const int64_t speed = SpeedOf(index, neighbour);
    if (speed == neighbour.speed) continue;
    FLEXMIG_RETURN_IF_ERROR(SetSpeed(index, neighbour, now, speed));
  }
  return OkStatus();
}

}  // namespace flexmig::sim
