// topo: weighs the four things that the place of a job decides (score.h) and takes the choice with
// the lowest score: the load of the most loaded host link, NUMA nodes crossed, fragmentation added,
// GPUs opened. Packing keeps GPUs whole for others, spreading buys link bandwidth; the weights say
// what one is worth in the other. topo_search.h says how the choice is found, how good it is and
// what it costs.

#include "policies.h"
#include "problem.h"
#include "topo_search.h"

namespace flexmig::alloc {

namespace {

class Topo final : public PlacingPolicy {
 public:
  explicit Topo(const TopoWeights& weights) : weights_(weights) {}

  std::string_view name() const override { return "topo"; }
  std::string_view rule() const override { return "the lowest score"; }

 protected:
  TopoWeights weights() const override { return weights_; }

  void Place(const Problem& problem, std::vector<mig::LeafId>& leaves) const override {
    const TopoSearch search(problem, weights_, /*keep_runner_up=*/false);
    for (const GpuShare share : search.best().shares) problem.Take(share, leaves);
  }

  RunnerUp PlaceRunnerUp(const Problem& problem, std::vector<mig::LeafId>& leaves) const override {
    const TopoSearch search(problem, weights_, /*keep_runner_up=*/true);
    if (!search.runner_up()) return RunnerUp::kNone;
    for (const GpuShare share : search.runner_up()->shares) problem.Take(share, leaves);
    return RunnerUp::kFound;
  }

 private:
  TopoWeights weights_;
};

}  // namespace

std::unique_ptr<AllocationPolicy> MakeTopo(const TopoWeights& weights) {
  return std::make_unique<Topo>(weights);
}

}  // namespace flexmig::alloc
