#pragma once

#include <string>
#include <utility>
#include <vector>

#include "flexmig/arrival/cluster.h"
#include "flexmig/base/random.h"

namespace flexmig::arrival {

inline trace::OpenbNode Node(int64_t cores, int64_t gib, int gpus, std::string model) {
  trace::OpenbNode node;
  node.name = "n";
  node.cpu_milli = cores * 1000;
  node.memory_mib = gib * 1024;
  node.gpus = gpus;
  node.model = std::move(model);
  return node;
}

inline trace::OpenbPod Pod(int64_t cores, int64_t gib, int gpus, int gpu_milli,
                           std::vector<std::string> spec = {}) {
  trace::OpenbPod pod;
  pod.name = "p";
  pod.cpu_milli = cores * 1000;
  pod.memory_mib = gib * 1024;
  pod.num_gpu = gpus;
  pod.gpu_milli = gpu_milli;
  pod.gpu_spec = std::move(spec);
  return pod;
}

// A cluster of `count` nodes of a few shapes and 60 pods of many kinds.
inline Setting RandomSetting(int count, SplitMix64& random) {
  const auto below = [&](uint64_t bound) { return static_cast<int64_t>(random.NextBelow(bound)); };
  std::vector<trace::OpenbNode> nodes;
  for (int i = 0; i < count; ++i) {
    const int gpus = static_cast<int>(below(5));
    nodes.push_back(Node(8 + 8 * below(4), 32 + 32 * below(3), gpus, below(2) == 0 ? "T4" : "A10"));
  }
  nodes.push_back(Node(32, 128, 8, "T4"));
  std::vector<trace::OpenbPod> pods;
  for (int i = 0; i < 60; ++i) {
    const int gpus = static_cast<int>(below(4));
    const int milli = gpus == 0   ? 0
                      : gpus == 1 ? static_cast<int>(100 + 100 * below(10))
                                  : kGpuMilli;
    std::vector<std::string> spec;
    if (below(3) == 0) spec.emplace_back(below(2) == 0 ? "A10" : "T4");
    pods.push_back(Pod(1 + below(8), 1 + below(16), gpus, milli, spec));
  }
  return *MakeSetting(nodes, pods);
}

}  // namespace flexmig::arrival
