#pragma once

#include <cstdint>
#include <vector>

#include "flexmig/arrival/cluster.h"

namespace flexmig::arrival {

// Fragmentation as the paper defines it: the idle thousandths of GPU on a node that a pod drawn
// from the pods that are usual here could not use, averaged over those pods. For a pod that the
// node has room for, these are the GPUs with less left than it wants of each; for any other, and
// for a pod without GPU, all that is idle. Host memory does not count.
//
// The usual pods are the most frequent (cpu_milli, gpus, gpu_milli, models) of the pod list until
// they make up 95 % of it, as in the published experiment, weighted by how often they occur. All
// arithmetic is in whole numbers, so that equal fragmentation is equal.
//
// Threading: thread-compatible.
class Fragmentation {
 public:
  explicit Fragmentation(const Setting& setting);

  // Thousandths of GPU times weight(). Cost: one step for each usual demand and for each GPU and
  // distinct share asked for.
  [[nodiscard]] int64_t Weighted(const NodeState& node) const;

  // Pods that the usual demands stand for.
  [[nodiscard]] int64_t weight() const { return weight_; }

  struct Usual {
    PodDemand demand;
    int64_t count = 0;
    size_t share = 0;  // index into shares_
  };
  [[nodiscard]] const std::vector<Usual>& usual() const { return usual_; }

 private:
  std::vector<Usual> usual_;  // without pods that want no GPU
  std::vector<int> shares_;   // the different gpu_milli of usual_, rising
  int64_t weight_ = 0;
  int64_t weight_without_gpu_ = 0;
};

}  // namespace flexmig::arrival
