#include "flexmig/report/fragmentation_meter.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace flexmig::report {

namespace {

// No board has more placement units.
constexpr size_t kMaxUnits = 12;

}  // namespace

FragmentationMeter::FragmentationMeter(const Mix& mix) {
  int64_t total = 0;
  for (const auto& [request, jobs] : mix) total += jobs;
  for (const auto& [request, jobs] : mix) {
    const int min_slices = request.min_compute_slices;
    auto floor = std::find_if(floors_.begin(), floors_.end(), [min_slices](const Floor& other) {
      return other.min_slices == min_slices;
    });
    if (floor == floors_.end()) {
      floor = floors_.insert(floors_.end(), Floor{min_slices, {}, 0, 0});
    }
    // The mix is sorted by leaf count, so the last entry is the floor's share so far.
    const double before = floor->up_to.empty() ? 0 : floor->up_to.back();
    floor->up_to.resize(static_cast<size_t>(request.leaf_count) + 1, before);
    floor->up_to.back() = before + static_cast<double>(jobs) / static_cast<double>(total);
  }
}

void FragmentationMeter::Begin(const alloc::LeafPool& pool) {
  const auto& gpus = pool.inventory().gpus;
  units_per_gpu_ = 0;
  for (const mig::InventoryGpu& gpu : gpus) {
    units_per_gpu_ = std::max(units_per_gpu_, static_cast<size_t>(gpu.model->placement_units));
  }
  held_units_.assign(gpus.size() * units_per_gpu_, false);
  held_slices_.assign(gpus.size(), 0);
  free_on_.assign(gpus.size(), 0);
  rooms_.assign(gpus.size() * floors_.size(), Room{});
  free_ = 0;
  for (Floor& floor : floors_) floor.free = floor.count = 0;
  for (const mig::InventoryGpu& gpu : gpus) Update(pool, gpu.index);
}

void FragmentationMeter::OnLease(const alloc::LeafPool& pool, std::span<const mig::LeafId> leaves) {
  Occupy(pool, leaves, true);
}

void FragmentationMeter::OnRelease(const alloc::LeafPool& pool,
                                   std::span<const mig::LeafId> leaves) {
  Occupy(pool, leaves, false);
}

void FragmentationMeter::Occupy(const alloc::LeafPool& pool, std::span<const mig::LeafId> leaves,
                                bool held) {
  for (const mig::LeafId id : leaves) {
    const mig::Leaf& leaf = pool.leaf(id);
    const auto gpu = static_cast<size_t>(leaf.gpu.value());
    for (int unit = leaf.placement.start; unit < leaf.placement.end(); ++unit) {
      held_units_[gpu * units_per_gpu_ + static_cast<size_t>(unit)] = held;
    }
    held_slices_[gpu] += held ? leaf.profile->compute_slices : -leaf.profile->compute_slices;
  }
  // Leaves of one GPU mostly stand together, so most GPUs are updated once.
  for (size_t i = 0; i < leaves.size(); ++i) {
    const mig::GpuIndex gpu = pool.leaf(leaves[i]).gpu;
    if (i + 1 == leaves.size() || pool.leaf(leaves[i + 1]).gpu != gpu) Update(pool, gpu);
  }
}

void FragmentationMeter::Update(const alloc::LeafPool& pool, mig::GpuIndex gpu) {
  const auto g = static_cast<size_t>(gpu.value());
  const int free = RoomOn(pool, g, 0).slices;
  free_ += free - free_on_[g];
  free_on_[g] = free;
  for (size_t f = 0; f < floors_.size(); ++f) {
    Room& room = rooms_[g * floors_.size() + f];
    const Room now = RoomOn(pool, g, floors_[f].min_slices);
    floors_[f].free += now.slices - room.slices;
    floors_[f].count += now.count - room.count;
    room = now;
  }
}

// The most slices, and the most instances, that disjoint free placements offer: best over the units
// below u, for u from left to right.
FragmentationMeter::Room FragmentationMeter::RoomOn(const alloc::LeafPool& pool, size_t gpu,
                                                    int min_slices) const {
  struct Candidate {
    size_t start = 0;
    size_t end = 0;
    int slices = 0;
  };
  // On a board with 12 units and 8 profiles every placement of each is at most 12 x 8.
  std::array<Candidate, kMaxUnits * 8> candidates;
  size_t count = 0;
  for (const mig::LeafId id : pool.FreeOn(mig::GpuIndex(static_cast<int>(gpu)))) {
    const mig::Leaf& leaf = pool.leaf(id);
    if (leaf.profile->compute_slices < min_slices || count == candidates.size()) continue;
    const auto first = held_units_.begin() + static_cast<int64_t>(gpu * units_per_gpu_);
    if (std::find(first + leaf.placement.start, first + leaf.placement.end(), true) !=
        first + leaf.placement.end()) {
      continue;
    }
    candidates[count++] = {static_cast<size_t>(leaf.placement.start),
                           static_cast<size_t>(leaf.placement.end()), leaf.profile->compute_slices};
  }
  std::array<Room, kMaxUnits + 1> best{};
  for (size_t unit = 1; unit <= units_per_gpu_; ++unit) {
    best[unit] = best[unit - 1];
    for (size_t i = 0; i < count; ++i) {
      if (candidates[i].end != unit) continue;
      const Room& before = best[candidates[i].start];
      best[unit].slices = std::max(best[unit].slices, before.slices + candidates[i].slices);
      best[unit].count = std::max(best[unit].count, before.count + 1);
    }
  }
  // Memory slices may be left when compute slices are not.
  Room room = best[units_per_gpu_];
  const int left = pool.inventory().gpus[gpu].model->compute_slices - held_slices_[gpu];
  room.slices = std::min(room.slices, left);
  if (min_slices > 0) room.count = std::min(room.count, left / min_slices);
  return room;
}

double FragmentationMeter::UnusableSlices() const {
  double unusable = 0;
  for (const Floor& floor : floors_) {
    const auto fits = std::min(static_cast<size_t>(floor.count), floor.up_to.size() - 1);
    const double all = floor.up_to.back();
    unusable += floor.up_to[fits] * static_cast<double>(free_ - floor.free) +
                (all - floor.up_to[fits]) * static_cast<double>(free_);
  }
  return unusable;
}

}  // namespace flexmig::report
