// min-frag: the fragmentation gradient of FGD (Weng et al., USENIX ATC 2023), carried over to
// leaves: where the free leaves that a random later request cannot use grow least.
//
// The later requests are a mix of sizes: the one given to MakePolicy, or the sizes of the leases so
// far. A free leaf is unusable for n leaves if no allocation of them could contain it: under leaves
// that is so if its node has fewer than n free, or, where the request has a span rule, if its GPU
// together with the richest others allowed has fewer. The policy takes the choice that lets the
// expected number of unusable leaves grow least (or shrink most): of equals the node with the
// fewest free leaves, and on it what `pack` would take.
//
// Without span rules in the mix only the number of free leaves of a node counts, all equal nodes
// are equivalent, and the choice is the best possible if the rule of `pack` is kept on the node. On
// one node nothing is ever lost then, and min-frag is pack: that is what flattening is for. With
// span rules each GPU that could hold the job alone is weighed too, on the kSpanNodes nodes with
// the fewest free leaves that can hold the job. Cost: O(totals of a node + log nodes); with span
// rules O(kSpanNodes x M x entries x M) for GPUs with M leaves.

#include <algorithm>
#include <array>
#include <optional>

#include "flexmig/alloc/fragmentation.h"

#include "policies.h"
#include "problem.h"

namespace flexmig::alloc {

namespace {

constexpr int kSpanNodes = 4;
constexpr int kNodesTried = 8;  // of those with equally many free leaves
constexpr int kSizes = static_cast<int>(LeafPool::kLargestSize);

// How many GPUs of a node have 0, 1, 2, ... free leaves.
using Histogram = std::vector<int>;

class MinFrag final : public PlacingPolicy {
 public:
  explicit MinFrag(const std::optional<RequestMix>& mix) : has_mix_(mix.has_value()) {
    if (!mix) return;
    for (const RequestMix::Entry& entry : mix->entries) {
      if (entry.max_gpus) {
        with_span_.push_back(entry);
      } else {
        sizes_[static_cast<size_t>(std::min(entry.leaf_count, kSizes))] += entry.weight;
      }
    }
  }

  std::string_view name() const override { return "min-frag"; }
  std::string_view rule() const override {
    return "where the free leaves that later jobs cannot use grow least";
  }

 protected:
  void Place(const Problem& problem, std::vector<mig::LeafId>& leaves) const override {
    Best best;
    const Tail tail(has_mix_ ? sizes_ : problem.pool.lease_sizes());
    if (problem.node != Problem::kAnyNode) {
      Weigh(problem, problem.node, tail, best);
    } else {
      WeighNodes(problem, tail, best);
    }
    for (const GpuShare share : best.shares) problem.Take(share, leaves);
  }

 private:
  using Sizes = std::array<int64_t, LeafPool::kLargestSize + 1>;

  // Unusable leaves of a node for the requests without a span rule: all if they are too few.
  class Tail {
   public:
    explicit Tail(const Sizes& sizes) {
      int64_t sum = 0;
      for (size_t n = sizes.size(); n-- > 0;) {
        larger_[n] = sum;
        sum += sizes[n];
      }
    }
    [[nodiscard]] int64_t Unusable(int free) const {
      return free * larger_[static_cast<size_t>(std::min(free, kSizes))];
    }

   private:
    Sizes larger_;  // [n]: weight of the requests of more than n leaves
  };

  struct Best {
    std::optional<int64_t> growth;
    std::vector<GpuShare> shares;
  };

  void WeighNodes(const Problem& problem, const Tail& tail, Best& best) const {
    const LeafIndex& index = problem.index();
    const int n = problem.leaf_count;
    std::optional<int64_t> least;
    int nodes_weighed = 0;
    int best_node = LeafIndex::kNone;
    for (int total = index.NextTotal(n); total != LeafIndex::kNone;
         total = index.NextTotal(total + 1)) {
      int tries = kNodesTried;
      for (int node = index.NextNodeWithTotal(total, 0); node != LeafIndex::kNone && tries > 0;
           node = index.NextNodeWithTotal(total, node + 1), --tries) {
        if (index.Capacity(node, problem.max_gpus) < n) continue;
        if (!with_span_.empty()) {
          Weigh(problem, node, tail, best);
          if (++nodes_weighed == kSpanNodes) return;
          continue;
        }
        const int64_t growth = tail.Unusable(total - n) - tail.Unusable(total);
        if (!least || growth < *least) {
          least = growth;
          best_node = node;
        }
        break;  // the others are equal
      }
    }
    if (!best.shares.empty()) return;
    if (best_node == LeafIndex::kNone) best_node = index.LowestNode(n, problem.max_gpus);
    PackOnNode(problem, best_node, best.shares);
  }

  // Weighs what `pack` would take and each GPU that can hold the job alone.
  void Weigh(const Problem& problem, int node, const Tail& tail, Best& best) const {
    const LeafIndex& index = problem.index();
    Histogram gpus;
    for (int free = 0; free <= index.most_on_gpu(); ++free) {
      gpus.push_back(index.GpusWith(node, free));
    }
    const int64_t before = Expected(gpus, tail);
    const auto offer = [&](std::vector<GpuShare> shares) {
      Histogram after = gpus;
      for (const GpuShare share : shares) {
        const int free = index.FreeOn(share.gpu);
        --after[static_cast<size_t>(free)];
        ++after[static_cast<size_t>(free - share.count)];
      }
      const int64_t growth = Expected(after, tail) - before;
      if (best.growth && *best.growth <= growth) return;
      best = {growth, std::move(shares)};
    };
    std::vector<GpuShare> packed;
    PackOnNode(problem, node, packed);
    offer(std::move(packed));
    if (with_span_.empty()) return;
    for (int free = problem.leaf_count; free <= index.most_on_gpu(); ++free) {
      if (index.GpusWith(node, free) == 0) continue;
      const int gpu = index.NextGpuWith(free, problem.FirstGpu(node), problem.EndGpu(node));
      offer({{gpu, problem.leaf_count}});
    }
  }

  // Weighted by the mix, not divided by its weight: all that is compared has the same.
  [[nodiscard]] int64_t Expected(const Histogram& gpus, const Tail& tail) const {
    int total = 0;
    for (size_t free = 0; free < gpus.size(); ++free) total += static_cast<int>(free) * gpus[free];
    int64_t expected = tail.Unusable(total);
    for (const RequestMix::Entry& entry : with_span_) {
      expected += entry.weight * UnusableLeaves(gpus, entry.leaf_count, *entry.max_gpus);
    }
    return expected;
  }

  bool has_mix_;
  Sizes sizes_{};  // weights by number of leaves, without span rule
  std::vector<RequestMix::Entry> with_span_;
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakeMinFrag(const std::optional<RequestMix>& mix) {
  return std::make_unique<MinFrag>(mix);
}

}  // namespace flexmig::alloc
