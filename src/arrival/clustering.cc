#include "policies.h"

namespace flexmig::arrival {

namespace {

class Clustering final : public NodePolicy {
 public:
  explicit Clustering(const Setting& setting) : most_gpu_(setting.most_gpu_milli) {}

  [[nodiscard]] std::string_view name() const override { return "clustering"; }
  [[nodiscard]] int Score(const NodeState& node, const PodDemand& demand) const override {
    if (demand.gpus == 0) return 0;
    constexpr int kBand = kMaxScore / 4;
    const uint32_t kind = KindOf(demand);
    int band = 0;  // holds pods of other kinds only
    if (node.kinds == kind) {
      band = 3;
    } else if ((node.kinds & kind) != 0) {
      band = 2;
    } else if (node.kinds == 0) {
      band = 1;
    }
    const int64_t fullness = kBand * (most_gpu_ - node.total_gpu_milli()) / most_gpu_;
    return band * kBand + static_cast<int>(fullness);
  }

 private:
  int64_t most_gpu_;
};

}  // namespace

std::unique_ptr<NodePolicy> MakeClustering(const Setting& setting) {
  return std::make_unique<Clustering>(setting);
}

}  // namespace flexmig::arrival
