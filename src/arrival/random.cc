#include "policies.h"

namespace flexmig::arrival {

namespace {

class Random final : public NodePolicy {
 public:
  [[nodiscard]] std::string_view name() const override { return "random"; }
  [[nodiscard]] bool draws_among_equals() const override { return true; }
  [[nodiscard]] int Score(const NodeState& /*node*/, const PodDemand& /*demand*/) const override {
    return 0;
  }
  [[nodiscard]] int ChooseGpu(const NodeState& node, const PodDemand& demand,
                              SplitMix64& random) const override {
    std::array<int, kMaxGpus> enough{};
    size_t count = 0;
    for (int gpu = 0; gpu < node.gpu_count; ++gpu) {
      if (node.gpu_milli[static_cast<size_t>(gpu)] >= demand.gpu_milli) enough[count++] = gpu;
    }
    return enough[random.NextBelow(count)];
  }
};

}  // namespace

std::unique_ptr<NodePolicy> MakeRandom() { return std::make_unique<Random>(); }

}  // namespace flexmig::arrival
