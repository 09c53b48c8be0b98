#include "flexmig/alloc/leaf_index.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include "flexmig/base/check.h"

namespace flexmig::alloc {

namespace {

constexpr size_t kAllGpusLane = CapacityTree::kLanes - 1;

// Below this many GPUs looking at each is faster than asking the sets of their classes.
constexpr int kScannedGpus = 32;

size_t At(int index) { return static_cast<size_t>(index); }

// prefix[i] = the sum of the i + 1 largest.
std::vector<int> SumsOfLargest(std::vector<int> values) {
  std::sort(values.begin(), values.end(), std::greater<>());
  std::partial_sum(values.begin(), values.end(), values.begin());
  return values;
}

}  // namespace

// Update and what it calls are inline here, since a call costs as much as they do.
inline void LeafIndex::Move(int gpu, int before, int after) {
  if (before >= FirstClassWith(1)) {  // classes below hold no free leaf and are not kept
    IndexSet& set = by_class_[At(before)];
    set.Erase(gpu);
    if (set.empty()) live_classes_.Erase(before);
  }
  if (after >= FirstClassWith(1)) {
    IndexSet& set = by_class_[At(after)];
    if (set.empty()) {
      if (set.bound() == 0) set = IndexSet(static_cast<int>(class_of_.size()));
      live_classes_.Insert(after);
    }
    set.Insert(gpu);
  }
}

inline void LeafIndex::MoveTotal(int node, int before, int after) {
  if (before != kNone) {
    IndexSet& set = by_total_[At(before)];
    set.Erase(node);
    if (set.empty()) live_totals_.Erase(before);
  }
  IndexSet& set = by_total_[At(after)];
  if (set.empty()) {
    if (set.bound() == 0) set = IndexSet(nodes_->node_count());
    live_totals_.Insert(after);
  }
  set.Insert(node);
}

inline CapacityTree::Lanes LeafIndex::LanesOf(int node, int total) const {
  CapacityTree::Lanes lanes;
  size_t gpus = 0;
  int sum = 0;
  const int* const histogram = &histogram_[HistogramAt(node, 0)];
  for (int free = most_on_gpu_; free > 0 && sum < total; --free) {
    for (int i = histogram[free]; i > 0 && gpus < kAllGpusLane; --i) lanes[gpus++] = sum += free;
    if (gpus == kAllGpusLane) break;
  }
  while (gpus < kAllGpusLane) lanes[gpus++] = sum;
  lanes[kAllGpusLane] = total;
  return lanes;
}

LeafIndex::LeafIndex(const mig::Profile* profile, std::shared_ptr<const NodeMap> nodes,
                     const std::vector<int>& leaves_on, int max_load)
    : profile_(profile),
      nodes_(std::move(nodes)),
      row_bits_(static_cast<int>(std::bit_width(static_cast<unsigned>(max_load) + 1))),
      class_of_(leaves_on.size(), 0),
      any_(static_cast<int>(leaves_on.size())),
      capacity_(nodes_->node_count()),
      under_load_(nodes_->node_count()) {
  const int node_count = nodes_->node_count();
  std::vector<int> on_node(At(node_count), 0);
  whole_by_gpus_.assign(At(nodes_->most_gpus), 0);
  for (int node = 0; node < node_count; ++node) {
    const auto sums = SumsOfLargest({leaves_on.begin() + nodes_->first_gpu[At(node)],
                                     leaves_on.begin() + nodes_->first_gpu[At(node) + 1]});
    on_node[At(node)] = sums.back();
    for (size_t q = 0; q < whole_by_gpus_.size(); ++q) {
      whole_by_gpus_[q] = std::max(whole_by_gpus_[q], sums[std::min(q, sums.size() - 1)]);
    }
  }
  most_on_gpu_ = *std::max_element(leaves_on.begin(), leaves_on.end());
  most_on_node_ = *std::max_element(on_node.begin(), on_node.end());
  whole_by_nodes_ = SumsOfLargest(std::move(on_node));

  by_class_.resize(At(FirstClassWith(most_on_gpu_ + 1)));
  live_classes_ = IndexSet(FirstClassWith(most_on_gpu_ + 1));
  for (int c = 0; c < FirstClassWith(most_on_gpu_ + 1); ++c) {
    const Gpu state = ToState(c);
    CapacityTree::Lanes& lanes = class_under_load_.emplace_back();
    for (size_t lane = 0; lane < lanes.size(); ++lane) {
      lanes[lane] = std::clamp(static_cast<int>(lane) + 1 - state.load, 0, state.free);
    }
  }
  histogram_.assign(At(node_count) * At(most_on_gpu_ + 1), 0);
  for (size_t gpu = 0; gpu < leaves_on.size(); ++gpu) {
    ++histogram_[HistogramAt(nodes_->node_of[gpu], 0)];
  }
  by_total_.resize(At(most_on_node_ + 1));
  live_totals_ = IndexSet(most_on_node_ + 1);
  for (int node = 0; node < node_count; ++node) MoveTotal(node, kNone, 0);
}

void LeafIndex::Update(int gpu, Gpu state) {
  const int before = class_of_[At(gpu)];
  const int after = ToClass(state);
  if (before == after) return;
  class_of_[At(gpu)] = after;
  Move(gpu, before, after);
  const int node = nodes_->node_of[At(gpu)];
  CapacityTree::Lanes lanes = under_load_.At(node);
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    lanes[lane] += class_under_load_[At(after)][lane] - class_under_load_[At(before)][lane];
  }
  under_load_.Set(node, lanes);
  const int free_before = before >> row_bits_;
  if (free_before == state.free) return;
  if (free_before == 0) any_.Insert(gpu);
  if (state.free == 0) any_.Erase(gpu);
  --histogram_[HistogramAt(node, free_before)];
  ++histogram_[HistogramAt(node, state.free)];
  const int total_before = capacity_.At(node)[kAllGpusLane];
  const int total = total_before + state.free - free_before;
  capacity_.Set(node, LanesOf(node, total));
  MoveTotal(node, total_before, total);
}

bool LeafIndex::LaneFor(int max_gpus, size_t& lane) const {
  const bool any = max_gpus >= nodes_->most_gpus;
  lane = any ? kAllGpusLane : At(max_gpus) - 1;
  return any || lane < kAllGpusLane;
}

int LeafIndex::Capacity(int node, int max_gpus) const {
  size_t lane = 0;
  if (LaneFor(max_gpus, lane)) return capacity_.At(node)[lane];
  int sum = 0;
  for (int free = most_on_gpu_; free > 0 && max_gpus > 0; --free) {
    const int here = std::min(GpusWith(node, free), max_gpus);
    sum += here * free;
    max_gpus -= here;
  }
  return sum;
}

int LeafIndex::MostOnNode(int max_gpus) const {
  size_t lane = 0;
  if (LaneFor(max_gpus, lane)) return capacity_.Max()[lane];
  int most = 0;
  for (int node = 0; node < nodes_->node_count(); ++node) {
    most = std::max(most, Capacity(node, max_gpus));
  }
  return most;
}

int LeafIndex::MostOnNodes(int max_nodes) const {
  int sum = 0;
  for (int total = PreviousTotal(most_on_node_); total > 0; total = PreviousTotal(total - 1)) {
    for (int node = NextNodeWithTotal(total, 0); node != kNone;
         node = NextNodeWithTotal(total, node + 1)) {
      sum += total;
      if (--max_nodes == 0) return sum;
    }
  }
  return sum;
}

int LeafIndex::WholeCapacity(int max_gpus, int max_nodes) const {
  if (max_nodes > 1) {
    return whole_by_nodes_[std::min(At(max_nodes), whole_by_nodes_.size()) - 1];
  }
  return whole_by_gpus_[std::min(At(max_gpus), whole_by_gpus_.size()) - 1];
}

int LeafIndex::LowestNode(int least, int max_gpus, int from) const {
  size_t lane = 0;
  if (LaneFor(max_gpus, lane)) return capacity_.Lowest(from, lane, least);
  for (int node = from;; ++node) {
    node = capacity_.Lowest(node, kAllGpusLane, least);
    if (node == kNone || Capacity(node, max_gpus) >= least) return node;
  }
}

int LeafIndex::TightestNode(int least, int max_gpus, int tries) const {
  for (int total = NextTotal(least); total != kNone; total = NextTotal(total + 1)) {
    for (int node = NextNodeWithTotal(total, 0); node != kNone;
         node = NextNodeWithTotal(total, node + 1)) {
      if (Capacity(node, max_gpus) >= least) return node;
      if (--tries == 0) return LowestNode(least, max_gpus);
    }
  }
  return kNone;
}

int LeafIndex::NextGpuWith(int free, int from, int end) const {
  if (end - from <= kScannedGpus) {
    for (int gpu = from; gpu < end; ++gpu) {
      if (FreeOn(gpu) == free) return gpu;
    }
    return kNone;
  }
  int lowest = end;
  for (int c = NextClass(FirstClassWith(free)); c != kNone && c < FirstClassWith(free + 1);
       c = NextClass(c + 1)) {
    const int gpu = NextGpuOfClass(c, from);
    if (gpu != kNone) lowest = std::min(lowest, gpu);
  }
  return lowest == end ? kNone : lowest;
}

int LeafIndex::TightestGpu(int least) const {
  const int first = NextClass(FirstClassWith(least));
  if (first == kNone) return kNone;
  return NextGpuWith(first >> row_bits_, 0, static_cast<int>(class_of_.size()));
}

}  // namespace flexmig::alloc
