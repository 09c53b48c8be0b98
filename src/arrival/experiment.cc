#include "flexmig/arrival/experiment.h"

#include <cmath>
#include <utility>

#include "flexmig/arrival/score_index.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::arrival {

namespace {

// The means of a curve from sums.
class CurveBuilder {
 public:
  void Add(double arrived, double allocated, double fragmented) {
    const auto percent = static_cast<size_t>(std::llround(100 * arrived));
    if (percent >= points_.size()) points_.resize(percent + 1);
    CurvePoint& point = points_[percent];
    ++point.arrivals;
    point.allocated_percent += 100 * allocated;
    point.fragmented_percent += 100 * fragmented;
  }

  std::vector<CurvePoint> Finish() && {
    for (CurvePoint& point : points_) {
      if (point.arrivals == 0) continue;
      point.allocated_percent /= static_cast<double>(point.arrivals);
      point.fragmented_percent /= static_cast<double>(point.arrivals);
    }
    return std::move(points_);
  }

 private:
  std::vector<CurvePoint> points_;
};

template <typename T>
void Shuffle(std::vector<T>& items, SplitMix64& random) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.NextBelow(i)]);
}

double Ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::vector<int> ArrivalOrder(const Setting& setting, double demand, SplitMix64& random) {
  std::vector<int> list = setting.pods;
  Shuffle(list, random);
  const double most = demand * static_cast<double>(setting.gpu_milli);
  std::vector<int> order;
  int64_t wanted = 0;
  for (size_t i = 0;; ++i) {
    const int pod = i < list.size() ? list[i] : setting.pods[random.NextBelow(list.size())];
    wanted += setting.demands[static_cast<size_t>(pod)].total_gpu_milli();
    if (static_cast<double>(wanted) > most) return order;
    order.push_back(pod);
  }
}

Result<Outcome> RunExperiment(const Setting& setting, const NodePolicy& policy,
                              const Fragmentation& fragmentation,
                              const ExperimentOptions& options) {
  if (!(options.demand >= 0.01 && options.demand <= 10)) {
    return InvalidArgumentError(
        StrCat("a demand of ", options.demand, " times the cluster is not from 0.01 to 10"));
  }
  // The policy draws last, so that all policies see the same arrivals and the same nodes.
  SplitMix64 random(options.seed);
  const std::vector<int> arrivals = ArrivalOrder(setting, options.demand, random);
  std::vector<NodeState> nodes = setting.nodes;
  Shuffle(nodes, random);
  std::vector<int64_t> fragmented_of(nodes.size());
  int64_t fragmented = 0;
  for (size_t node = 0; node < nodes.size(); ++node) {
    fragmented += fragmented_of[node] = fragmentation.Weighted(nodes[node]);
  }
  ScoreIndex index(nodes, setting.demands, policy);
  Outcome outcome;
  CurveBuilder curve;
  int64_t arrived = 0;
  int64_t allocated = 0;
  for (const int pod : arrivals) {
    const PodDemand& demand = setting.demands[static_cast<size_t>(pod)];
    ++outcome.pods;
    arrived += demand.total_gpu_milli();
    const std::optional<int> chosen = index.Best(static_cast<size_t>(pod), random);
    if (chosen) {
      const auto at = static_cast<size_t>(*chosen);
      const int gpu = demand.shares_gpu() ? policy.ChooseGpu(nodes[at], demand, random) : 0;
      Place(nodes[at], demand, gpu);
      index.NodeChanged(*chosen);
      ++outcome.placed;
      allocated += demand.total_gpu_milli();
      const int64_t now = fragmentation.Weighted(nodes[at]);
      fragmented += now - std::exchange(fragmented_of[at], now);
    }
    const int64_t idle = setting.gpu_milli - allocated;
    curve.Add(Ratio(arrived, setting.gpu_milli), Ratio(allocated, setting.gpu_milli),
              Ratio(fragmented, idle * fragmentation.weight()));
  }
  outcome.curve = std::move(curve).Finish();
  return outcome;
}

}  // namespace flexmig::arrival
