#include "policies.h"

namespace flexmig::arrival {

namespace {

// The packing heuristic of Tetris (SIGCOMM 2014) turned round: the published comparison prefers the
// smaller product.
class DotProduct final : public NodePolicy {
 public:
  explicit DotProduct(const Setting& setting)
      : most_cpu_(static_cast<double>(setting.most_cpu_milli)),
        most_gpu_(static_cast<double>(setting.most_gpu_milli)) {}

  [[nodiscard]] std::string_view name() const override { return "dot-product"; }
  [[nodiscard]] int Score(const NodeState& node, const PodDemand& demand) const override {
    const auto share = [](int64_t amount, double most) {
      return most > 0 ? static_cast<double>(amount) / most : 0;
    };
    const double product =
        share(node.cpu_milli, most_cpu_) * share(demand.cpu_milli, most_cpu_) +
        share(node.total_gpu_milli(), most_gpu_) * share(demand.total_gpu_milli(), most_gpu_);
    return static_cast<int>(kMaxScore * (1 - product / 2));
  }

 private:
  double most_cpu_;
  double most_gpu_;
};

}  // namespace

std::unique_ptr<NodePolicy> MakeDotProduct(const Setting& setting) {
  return std::make_unique<DotProduct>(setting);
}

}  // namespace flexmig::arrival
