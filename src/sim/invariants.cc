#include "invariants.h"

#include <algorithm>

#include "flexmig/base/strings.h"

namespace flexmig::sim {

Invariants::Invariants(const mig::NodeInventory& inventory, size_t job_count)
    : inventory_(inventory), jobs_(job_count) {
  for (const mig::InventoryGpu& gpu : inventory.gpus) {
    units_per_gpu_ = std::max(units_per_gpu_, static_cast<size_t>(gpu.model->placement_units));
  }
  owners_.resize(inventory.gpus.size() * units_per_gpu_);
}

size_t Invariants::UnitOf(const mig::Leaf& leaf, int unit) const {
  return static_cast<size_t>(leaf.gpu.value()) * units_per_gpu_ + static_cast<size_t>(unit);
}

Status Invariants::OnTime(sched::TimePoint now) {
  if (now_) {
    if (now < *now_) return InternalError("time runs backwards");
    along_time_ += static_cast<Wide>(held_slices_) * (now - *now_).count();
  }
  now_ = now;
  return OkStatus();
}

Status Invariants::OnStart(size_t job, std::span<const mig::LeafId> leaves) {
  JobBook& book = jobs_[job];
  if (book.state != State::kNotStarted) {
    return InternalError(StrCat("job at ", job, " is started a second time"));
  }
  for (const mig::LeafId id : leaves) {
    const mig::Leaf& leaf = inventory_.leaves[static_cast<size_t>(id.value())];
    for (int unit = leaf.placement.start; unit < leaf.placement.end(); ++unit) {
      auto& owner = owners_[UnitOf(leaf, unit)];
      if (owner) {
        return InternalError(StrCat("job at ", job, " is given memory slice ", unit, " of GPU ",
                                    leaf.gpu.value(), ", which job at ", *owner, " holds"));
      }
      owner = job;
    }
    book.slices += leaf.profile->compute_slices;
  }
  book.state = State::kRunning;
  running_[job] = {*now_, {leaves.begin(), leaves.end()}};
  held_slices_ += book.slices;
  return OkStatus();
}

Status Invariants::OnFinish(size_t job, sched::Duration run_time) {
  JobBook& book = jobs_[job];
  const auto running = running_.find(job);
  if (running == running_.end() || *now_ - running->second.start_time != run_time) {
    return InternalError(StrCat("job at ", job, " ends without having run for its time"));
  }
  for (const mig::LeafId id : running->second.leaves) {
    const mig::Leaf& leaf = inventory_.leaves[static_cast<size_t>(id.value())];
    for (int unit = leaf.placement.start; unit < leaf.placement.end(); ++unit) {
      owners_[UnitOf(leaf, unit)].reset();
    }
  }
  running_.erase(running);
  book.state = State::kDone;
  held_slices_ -= book.slices;
  over_jobs_ += static_cast<Wide>(book.slices) * run_time.count();
  return OkStatus();
}

Status Invariants::OnReject(size_t job) {
  if (jobs_[job].state != State::kNotStarted) {
    return InternalError(StrCat("job at ", job, " is rejected after its start"));
  }
  jobs_[job].state = State::kRejected;
  return OkStatus();
}

Status Invariants::OnReconfigure(mig::GpuIndex gpu) const {
  const auto first = owners_.begin() + gpu.value() * static_cast<int64_t>(units_per_gpu_);
  if (std::any_of(first, first + static_cast<int64_t>(units_per_gpu_),
                  [](const auto& owner) { return owner.has_value(); })) {
    return InternalError(StrCat("GPU ", gpu.value(), " is reconfigured under a running job"));
  }
  return OkStatus();
}

Status Invariants::OnEnd() const {
  for (size_t job = 0; job < jobs_.size(); ++job) {
    if (jobs_[job].state != State::kDone && jobs_[job].state != State::kRejected) {
      return InternalError(StrCat("job at ", job, " was left waiting"));
    }
  }
  if (held_slices_ != 0 || along_time_ != over_jobs_) {
    return InternalError("held slices along time and over jobs differ");
  }
  return OkStatus();
}

}  // namespace flexmig::sim
