#include "flexmig/alloc/score.h"

#include <algorithm>
#include <set>
#include <utility>

#include "flexmig/base/check.h"

namespace flexmig::alloc {

TopoTerms MeasureTopo(const LeafPool& pool, Comm comm, std::span<const mig::LeafId> leaves) {
  FLEXMIG_CHECK(!leaves.empty());
  const mig::Profile* profile = pool.leaf(leaves.front()).profile;
  const auto index = std::find_if(pool.indices().begin(), pool.indices().end(),
                                  [&](const LeafIndex& i) { return i.profile() == profile; });
  TopoTerms terms;
  terms.scale = index->most_on_gpu();
  std::vector<std::pair<mig::GpuIndex, int>> shares;
  for (const mig::LeafId id : leaves) {
    const mig::GpuIndex gpu = pool.leaf(id).gpu;
    const auto share = std::find_if(shares.begin(), shares.end(),
                                    [&](const auto& known) { return known.first == gpu; });
    if (share == shares.end()) {
      shares.emplace_back(gpu, 1);
    } else {
      ++share->second;
    }
  }
  const bool communicates = comm == Comm::kHeavy && leaves.size() > 1;
  std::set<std::pair<mig::NodeIndex, int>> numa_nodes;
  for (const auto& [gpu, count] : shares) {
    const int free = index->FreeOn(gpu.value());
    const int left = free - count;
    terms.fragmentation += left * (terms.scale - left) - free * (terms.scale - free);
    if (communicates) terms.link_load = std::max(terms.link_load, count + pool.LinkLoad(gpu));
    if (pool.IsIdle(gpu)) ++terms.gpus_opened;
    const auto& place = pool.inventory().gpus[static_cast<size_t>(gpu.value())];
    numa_nodes.emplace(place.node, place.numa_node);
  }
  terms.numa_crossed = static_cast<int>(numa_nodes.size()) - 1;
  return terms;
}

int64_t TopoScore(const TopoTerms& terms, const TopoWeights& weights) {
  const int64_t whole = int64_t{weights.link} * terms.link_load +
                        int64_t{weights.numa} * terms.numa_crossed +
                        int64_t{weights.gpus} * terms.gpus_opened;
  return whole * terms.scale + weights.frag * terms.fragmentation;
}

}  // namespace flexmig::alloc
