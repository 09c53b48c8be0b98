#include "flexmig/arrival/fragmentation.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace flexmig::arrival {

Fragmentation::Fragmentation(const Setting& setting) {
  std::map<PodDemand, int64_t> counts;
  for (const int pod : setting.pods) {
    PodDemand demand = setting.demands[static_cast<size_t>(pod)];
    demand.memory_mib = 0;
    ++counts[demand];
  }
  std::vector<std::pair<PodDemand, int64_t>> frequent(counts.begin(), counts.end());
  // Most frequent first; equal ones by cpu, share, GPUs and models, the larger first.
  const auto key = [](const std::pair<PodDemand, int64_t>& entry) {
    const PodDemand& d = entry.first;
    return std::tuple(entry.second, d.cpu_milli, d.gpu_milli, d.gpus, d.models);
  };
  std::sort(frequent.begin(), frequent.end(),
            [&](const auto& a, const auto& b) { return key(a) > key(b); });
  const auto pods = static_cast<int64_t>(setting.pods.size());
  for (const auto& [demand, count] : frequent) {
    if (weight_ * 100 >= pods * 95) break;
    weight_ += count;
    if (demand.gpus == 0) {
      weight_without_gpu_ += count;
    } else {
      usual_.push_back({demand, count, 0});
      shares_.push_back(demand.gpu_milli);
    }
  }
  std::sort(shares_.begin(), shares_.end());
  shares_.erase(std::unique(shares_.begin(), shares_.end()), shares_.end());
  for (Usual& usual : usual_) {
    usual.share = static_cast<size_t>(
        std::lower_bound(shares_.begin(), shares_.end(), usual.demand.gpu_milli) - shares_.begin());
  }
}

int64_t Fragmentation::Weighted(const NodeState& node) const {
  const int64_t idle = node.total_gpu_milli();
  if (idle == 0) return 0;
  // For each share: GPUs with that much left, and what the others have left. Shares are
  // thousandths, so there are at most kGpuMilli.
  std::array<int, kGpuMilli> enough;  // only the first shares_.size() are used
  std::array<int64_t, kGpuMilli> too_little;
  for (size_t s = 0; s < shares_.size(); ++s) {
    enough[s] = 0;
    too_little[s] = 0;
    for (const int left : node.gpus()) {
      if (left >= shares_[s]) {
        ++enough[s];
      } else {
        too_little[s] += left;
      }
    }
  }
  int64_t sum = weight_without_gpu_ * idle;
  for (const Usual& usual : usual_) {
    const PodDemand& demand = usual.demand;
    const bool fits = node.cpu_milli >= demand.cpu_milli && enough[usual.share] >= demand.gpus &&
                      ModelSuits(node, demand);
    sum += usual.count * (fits ? too_little[usual.share] : idle);
  }
  return sum;
}

}  // namespace flexmig::arrival
