#include <algorithm>

#include "policies.h"

namespace flexmig::arrival {

namespace {

class Packing final : public NodePolicy {
 public:
  [[nodiscard]] std::string_view name() const override { return "packing"; }
  [[nodiscard]] int Score(const NodeState& node, const PodDemand& demand) const override {
    if (demand.gpus == 0) return 0;
    const std::span<const int> gpus = node.gpus();
    const int free = static_cast<int>(std::count(gpus.begin(), gpus.end(), kGpuMilli));
    // An empty node: the smaller the better.
    if (free == node.gpu_count) return std::max(kMaxScore / 3 - free, free);
    // It would take the GPUs with the least left that is enough.
    std::array<int, kMaxGpus> left{};
    const auto end = std::copy_if(gpus.begin(), gpus.end(), left.begin(),
                                  [&](int milli) { return milli >= demand.gpu_milli; });
    std::sort(left.begin(), end);
    int opened = 0;
    int percent_left = 0;
    for (int i = 0; i < demand.gpus; ++i) {
      const int milli = left[static_cast<size_t>(i)];
      if (milli == kGpuMilli) ++opened;
      percent_left += milli * 100 / kGpuMilli;
    }
    if (opened > 0) return std::max(kMaxScore / 2 - opened, kMaxScore / 3);
    return std::max(kMaxScore - percent_left / 10, kMaxScore / 2);
  }
};

}  // namespace

std::unique_ptr<NodePolicy> MakePacking() { return std::make_unique<Packing>(); }

}  // namespace flexmig::arrival
