#include "policies.h"

namespace flexmig::arrival {

namespace {

class BestFit final : public NodePolicy {
 public:
  explicit BestFit(const Setting& setting)
      : most_cpu_(static_cast<double>(setting.most_cpu_milli)),
        most_gpu_(static_cast<double>(setting.most_gpu_milli)) {}

  [[nodiscard]] std::string_view name() const override { return "best-fit"; }
  [[nodiscard]] int Score(const NodeState& node, const PodDemand& demand) const override {
    const auto share = [](int64_t amount, double most) {
      return most > 0 ? static_cast<double>(amount) / most : 0;
    };
    const double cpu_rest = share(node.cpu_milli - demand.cpu_milli, most_cpu_);
    const double gpu_rest = share(node.total_gpu_milli() - demand.total_gpu_milli(), most_gpu_);
    return static_cast<int>(kMaxScore * (1 - (cpu_rest + gpu_rest) / 2));
  }

 private:
  double most_cpu_;
  double most_gpu_;
};

}  // namespace

std::unique_ptr<NodePolicy> MakeBestFit(const Setting& setting) {
  return std::make_unique<BestFit>(setting);
}

}  // namespace flexmig::arrival
