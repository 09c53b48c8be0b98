#include <cmath>

#include "policies.h"

namespace flexmig::arrival {

namespace {

class Fgd final : public NodePolicy {
 public:
  explicit Fgd(const Fragmentation& fragmentation) : fragmentation_(fragmentation) {}

  [[nodiscard]] std::string_view name() const override { return "fgd"; }
  [[nodiscard]] int Score(const NodeState& node, const PodDemand& demand) const override {
    return Best(node, demand).score;
  }
  [[nodiscard]] int ChooseGpu(const NodeState& node, const PodDemand& demand,
                              SplitMix64& /*random*/) const override {
    return Best(node, demand).gpu;
  }

 private:
  struct Choice {
    int score = -1;
    int gpu = -1;
  };

  [[nodiscard]] Choice Best(const NodeState& node, const PodDemand& demand) const {
    const int64_t before = fragmentation_.Weighted(node);
    Choice best;
    for (int gpu = 0; gpu < node.gpu_count || gpu == 0; ++gpu) {
      if (demand.shares_gpu()) {
        if (node.gpu_milli[static_cast<size_t>(gpu)] < demand.gpu_milli) continue;
        if (SeenBefore(node, gpu)) continue;
      }
      NodeState after = node;
      Place(after, demand, gpu);
      const int score = ScoreOf(before - fragmentation_.Weighted(after));
      if (score > best.score) best = {score, gpu};
      if (!demand.shares_gpu()) break;  // it takes whole GPUs, of which one is as good as another
    }
    return best;
  }

  // Whether an earlier GPU has as much left, which makes the same difference.
  static bool SeenBefore(const NodeState& node, int gpu) {
    for (int earlier = 0; earlier < gpu; ++earlier) {
      if (node.gpu_milli[static_cast<size_t>(earlier)] == node.gpu_milli[static_cast<size_t>(gpu)])
        return true;
    }
    return false;
  }

  // Exactly half of kMaxScore for no change, since e^0 is exactly 1.
  [[nodiscard]] int ScoreOf(int64_t weighted_decrease) const {
    const double gpus = static_cast<double>(weighted_decrease) /
                        static_cast<double>(fragmentation_.weight() * kGpuMilli);
    return static_cast<int>(kMaxScore / (1 + std::exp(-gpus)));
  }

  const Fragmentation& fragmentation_;
};

}  // namespace

std::unique_ptr<NodePolicy> MakeFgd(const Fragmentation& fragmentation) {
  return std::make_unique<Fgd>(fragmentation);
}

}  // namespace flexmig::arrival
