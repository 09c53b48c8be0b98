#include "topo_search.h"

#include <algorithm>
#include <tuple>

#include "flexmig/base/check.h"

namespace flexmig::alloc {

namespace {

constexpr int kNodesEachWay = 2;
constexpr int kNodesUnderLoad = 4;
constexpr int kNodesLookedAt = 16;  // each way, for those with the capacity
constexpr int kGpusSearched = 16;   // of a node, all of them; of larger nodes the promising ones
constexpr int kPromisingEachWay = 8;
constexpr int kWideJobGpus = 8;
constexpr int64_t kImpossible = std::numeric_limits<int64_t>::max() / 2;

size_t At(int index) { return static_cast<size_t>(index); }

}  // namespace

TopoSearch::TopoSearch(const Problem& problem, const TopoWeights& weights, bool keep_runner_up)
    : problem_(problem),
      index_(problem.index()),
      weights_(weights),
      keep_runner_up_(keep_runner_up),
      most_(index_.most_on_gpu()) {
  if (problem_.leaf_count > kWideJobGpus * most_) {
    const int node = problem_.node == Problem::kAnyNode ? PackingNode(problem_) : problem_.node;
    PackOnNode(problem_, node, best_.shares);
    return;
  }
  if (problem_.node != Problem::kAnyNode) {
    TryNode(problem_.node);
    return;
  }
  if (problem_.leaf_count <= most_) TrySingleGpus();
  if (problem_.leaf_count > 1 && problem_.max_gpus > 1) TryNodes();
}

int64_t TopoSearch::CostOf(LeafIndex::Gpu state, int count) const {
  const int64_t left = state.free - count;
  const int64_t fragmentation = left * (most_ - left) - int64_t{state.free} * (most_ - state.free);
  const int64_t opened = state.idle ? int64_t{weights_.gpus} * most_ : 0;
  return weights_.frag * fragmentation + opened;
}

int64_t TopoSearch::FixedScore(int link_load, int numa_crossed) const {
  return (int64_t{weights_.link} * link_load + int64_t{weights_.numa} * numa_crossed) * most_;
}

bool TopoSearch::IsHopeless(int64_t fixed) const {
  // A leaf reduces the fragmentation by at most M - 1 parts, where it is the last free one.
  const int64_t saved = int64_t{weights_.frag} * problem_.leaf_count * (most_ - 1);
  return !keep_runner_up_ && fixed - saved > best_.score;
}

void TopoSearch::Offer(int64_t score, std::vector<GpuShare> shares) {
  Choice choice{score, std::move(shares)};
  if (choice < best_) std::swap(choice, best_);
  // What scores the same is as good: the runner-up shows what a worse score looks like.
  if (!keep_runner_up_ || choice.shares.empty() || choice.score == best_.score) return;
  if (!runner_up_ || choice < *runner_up_) runner_up_ = std::move(choice);
}

void TopoSearch::TrySingleGpus() {
  const int n = problem_.leaf_count;
  for (int c = index_.NextClass(index_.FirstClassWith(n)); c != LeafIndex::kNone;
       c = index_.NextClass(c + 1)) {
    const LeafIndex::Gpu state = index_.ToState(c);
    const int64_t score =
        FixedScore(problem_.communicates ? n + state.load : 0, 0) + CostOf(state, n);
    if (score > best_.score && !keep_runner_up_) continue;
    Offer(score, {{index_.NextGpuOfClass(c, 0), n}});
  }
}

void TopoSearch::TryNodes() {
  const int n = problem_.leaf_count;
  std::vector<int> nodes;
  // Says whether to go on: a few nodes of a kind are enough, and not too many are looked at.
  struct Quota {
    int nodes;
    int looks = kNodesLookedAt;
  };
  const auto add = [&](int node, Quota& quota) {
    const bool holds = index_.Capacity(node, problem_.max_gpus) >= n;
    if (holds && std::find(nodes.begin(), nodes.end(), node) == nodes.end()) {
      nodes.push_back(node);
      --quota.nodes;
    }
    return quota.nodes > 0 && --quota.looks > 0;
  };
  if (problem_.communicates) {
    Quota quota{kNodesUnderLoad};
    bool more = true;
    for (int limit = 1; limit <= LeafIndex::kMostLinkLimit && more; ++limit) {
      for (int node = index_.LowestNodeUnderLoad(n, limit, 0); node != LeafIndex::kNone && more;
           node = index_.LowestNodeUnderLoad(n, limit, node + 1)) {
        more = add(node, quota);
      }
    }
  }
  Quota tight{kNodesEachWay};
  bool more = true;
  for (int total = index_.NextTotal(n); total != LeafIndex::kNone && more;
       total = index_.NextTotal(total + 1)) {
    for (int node = index_.NextNodeWithTotal(total, 0); node != LeafIndex::kNone && more;
         node = index_.NextNodeWithTotal(total, node + 1)) {
      more = add(node, tight);
    }
  }
  Quota rich{kNodesEachWay};
  more = true;
  for (int total = index_.PreviousTotal(index_.most_on_node()); total >= n && more;
       total = index_.PreviousTotal(total - 1)) {
    for (int node = index_.NextNodeWithTotal(total, 0); node != LeafIndex::kNone && more;
         node = index_.NextNodeWithTotal(total, node + 1)) {
      more = add(node, rich);
    }
  }
  if (nodes.empty()) nodes.push_back(index_.LowestNode(n, problem_.max_gpus));
  for (const int node : nodes) TryNode(node);
}

void TopoSearch::TryNode(int node) {
  CollectItems(node);
  struct NumaNode {
    int id;
    int free;
  };
  std::vector<NumaNode> numa_nodes;
  for (const Item& item : items_) {
    const auto known = std::find_if(numa_nodes.begin(), numa_nodes.end(),
                                    [&](const NumaNode& n) { return n.id == item.numa_node; });
    if (known == numa_nodes.end()) {
      numa_nodes.push_back({item.numa_node, item.state.free});
    } else {
      known->free += item.state.free;
    }
  }
  std::vector<int> together;
  for (const NumaNode& numa_node : numa_nodes) {
    if (numa_node.free >= problem_.leaf_count) TryNumaNodes({&numa_node.id, 1});
  }
  std::stable_sort(numa_nodes.begin(), numa_nodes.end(),
                   [](const NumaNode& a, const NumaNode& b) { return a.free > b.free; });
  for (const NumaNode& numa_node : numa_nodes) {
    together.push_back(numa_node.id);
    if (together.size() > 1) TryNumaNodes(together);
  }
}

void TopoSearch::CollectItems(int node) {
  items_.clear();
  if (problem_.EndGpu(node) - problem_.FirstGpu(node) > kGpusSearched) {
    CollectPromising(node);
    return;
  }
  for (int gpu = problem_.FirstGpu(node); gpu < problem_.EndGpu(node); ++gpu) {
    const LeafIndex::Gpu state = index_.StateOf(gpu);
    if (state.free == 0) continue;
    items_.push_back({gpu, problem_.pool.inventory().gpus[At(gpu)].numa_node, state});
  }
}

void TopoSearch::CollectPromising(int node) {
  const int end = problem_.EndGpu(node);
  std::vector<int> classes;
  for (int c = index_.NextClass(index_.FirstClassWith(1)); c != LeafIndex::kNone;
       c = index_.NextClass(c + 1)) {
    classes.push_back(c);
  }
  std::vector<int> gpus;
  const auto add = [&](int gpu_class, size_t at_most, int& free) {
    int gpu = index_.NextGpuOfClass(gpu_class, problem_.FirstGpu(node));
    while (gpu != LeafIndex::kNone && gpu < end && at_most > 0) {
      gpus.push_back(gpu);
      free += index_.FreeOn(gpu);
      --at_most;
      gpu = index_.NextGpuOfClass(gpu_class, gpu + 1);
    }
  };
  int free = 0;
  for (const int c : classes) {
    if (gpus.size() >= kPromisingEachWay) break;
    add(c, std::min(At(problem_.leaf_count), kPromisingEachWay - gpus.size()), free);
  }
  // An idle GPU comes after one with as little load, since it has to be opened.
  std::stable_sort(classes.begin(), classes.end(), [&](int a, int b) {
    const LeafIndex::Gpu one = index_.ToState(a);
    const LeafIndex::Gpu other = index_.ToState(b);
    const auto key = [&](const LeafIndex::Gpu& gpu) {
      return std::tuple(problem_.communicates ? gpu.load : 0, -gpu.free, gpu.idle);
    };
    return key(one) < key(other);
  });
  const size_t crumbs = gpus.size();
  free = 0;
  for (const int c : classes) {
    if (gpus.size() >= crumbs + kPromisingEachWay && free >= problem_.leaf_count) break;
    add(c, At(problem_.leaf_count), free);
  }
  std::sort(gpus.begin(), gpus.end());
  gpus.erase(std::unique(gpus.begin(), gpus.end()), gpus.end());
  for (const int gpu : gpus) {
    items_.push_back({gpu, problem_.pool.inventory().gpus[At(gpu)].numa_node, index_.StateOf(gpu)});
  }
}

void TopoSearch::TryNumaNodes(std::span<const int> numa_nodes) {
  const int crossed = static_cast<int>(numa_nodes.size()) - 1;
  const auto is_here = [&](const Item& item) {
    return std::find(numa_nodes.begin(), numa_nodes.end(), item.numa_node) != numa_nodes.end();
  };
  int highest = 0;
  for (const Item& item : items_) {
    if (is_here(item)) highest = std::max(highest, item.state.load + item.state.free);
  }
  if (!problem_.communicates) highest = 1;  // one round without a limit
  for (int limit = 1; limit <= highest; ++limit) {
    const int64_t fixed = FixedScore(problem_.communicates ? limit : 0, crossed);
    if (IsHopeless(fixed)) return;
    chosen_.clear();
    int sum = 0;
    for (const Item& item : items_) {
      if (!is_here(item)) continue;
      const int usable = problem_.communicates ? std::min(item.state.free, limit - item.state.load)
                                               : item.state.free;
      if (usable <= 0) continue;
      chosen_.push_back(item);
      chosen_.back().usable = std::min(usable, problem_.leaf_count);
      sum += usable;
    }
    if (sum >= problem_.leaf_count) Solve();
  }
}

void TopoSearch::Solve() {
  const int n = problem_.leaf_count;
  // One layer of states for each number of GPUs used, if that number matters.
  const bool counted = problem_.max_gpus < static_cast<int>(chosen_.size());
  const int layers = counted ? problem_.max_gpus + 1 : 1;
  const int step = counted ? 1 : 0;
  // A state: GPUs used, leaves taken, whether some GPU has given only a part of what it may.
  const auto state = [&](int used, int leaves, int partial) {
    return At((used * (n + 1) + leaves) * 2 + partial);
  };
  const size_t states = At(layers * (n + 1) * 2);
  cost_.assign(states, kImpossible);
  cost_[0] = 0;
  taken_.assign(states * chosen_.size(), 0);
  for (size_t i = 0; i < chosen_.size(); ++i) {
    const Item& item = chosen_[i];
    int8_t* const taken = &taken_[i * states];
    // Downwards, so that what is read is from before this GPU.
    for (int used = layers - 1; used >= step; --used) {
      for (int leaves = n; leaves > 0; --leaves) {
        const auto consider = [&](int count, int from_partial, int to_partial) {
          const int64_t cost = cost_[state(used - step, leaves - count, from_partial)];
          if (cost == kImpossible) return;
          int64_t& here = cost_[state(used, leaves, to_partial)];
          const int64_t with = cost + CostOf(item.state, count);
          if (with >= here) return;
          here = with;
          taken[state(used, leaves, to_partial)] = static_cast<int8_t>(count);
        };
        for (int count = 1; count < item.usable && count <= leaves; ++count) consider(count, 0, 1);
        if (item.usable > leaves) continue;
        consider(item.usable, 1, 1);
        consider(item.usable, 0, 0);
      }
    }
  }
  int64_t cost = kImpossible;
  int used = 0;
  int partial = 0;
  for (int layer = 0; layer < layers; ++layer) {
    for (int p = 0; p < 2; ++p) {
      if (cost_[state(layer, n, p)] >= cost) continue;
      cost = cost_[state(layer, n, p)];
      used = layer;
      partial = p;
    }
  }
  if (cost == kImpossible) return;
  // The GPUs chosen may stay below the limit and on fewer NUMA nodes.
  std::vector<GpuShare> shares;
  int leaves = n;
  int link_load = 0;
  std::vector<int> numa_nodes;
  for (size_t i = chosen_.size(); i-- > 0;) {
    const Item& item = chosen_[i];
    const int count = taken_[i * states + state(used, leaves, partial)];
    if (count == 0) continue;
    shares.push_back({item.gpu, count});
    leaves -= count;
    used -= step;
    if (count < item.usable) partial = 0;
    if (problem_.communicates) link_load = std::max(link_load, count + item.state.load);
    if (std::find(numa_nodes.begin(), numa_nodes.end(), item.numa_node) == numa_nodes.end()) {
      numa_nodes.push_back(item.numa_node);
    }
  }
  FLEXMIG_CHECK(leaves == 0);
  const int64_t score = FixedScore(link_load, static_cast<int>(numa_nodes.size()) - 1) + cost;
  if (score > best_.score && !keep_runner_up_) return;
  std::reverse(shares.begin(), shares.end());
  Offer(score, std::move(shares));
}

}  // namespace flexmig::alloc
