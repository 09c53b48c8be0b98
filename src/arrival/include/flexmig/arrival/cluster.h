#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flexmig/base/status.h"
#include "flexmig/trace/openb.h"

// The arrival experiment of "Beware of Fragmentation" (ATC 2023): pods that want CPU, host memory
// and GPUs or shares of one arrive at a cluster of unequal nodes and never leave, until nothing
// fits any more. It knows neither time nor MIG.

namespace flexmig::arrival {

// Thousandths of a GPU in one GPU.
inline constexpr int kGpuMilli = 1000;
inline constexpr int kMaxGpus = 16;    // of one node
inline constexpr int kMaxModels = 63;  // of GPUs in one cluster

// What a pod asks for. Pods with equal demands are interchangeable.
struct PodDemand {
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
  int gpus = 0;         // 0 for none
  int gpu_milli = 0;    // of each: kGpuMilli unless gpus is 1
  uint64_t models = 0;  // bit m: GPU model m would do

  [[nodiscard]] bool shares_gpu() const { return gpus == 1 && gpu_milli < kGpuMilli; }
  [[nodiscard]] int64_t total_gpu_milli() const { return int64_t{gpus} * gpu_milli; }

  friend auto operator<=>(const PodDemand&, const PodDemand&) = default;
};

// What a node has left. GPUs count from 0 to gpu_count - 1.
struct NodeState {
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
  std::array<int, kMaxGpus> gpu_milli{};
  int gpu_count = 0;
  int model = kMaxModels;  // kMaxModels without GPUs
  // Which kinds of GPU pods it holds: bit 0 for pods that share a GPU, bit n for those on n GPUs.
  uint32_t kinds = 0;

  [[nodiscard]] std::span<const int> gpus() const {
    return std::span(gpu_milli).first(static_cast<size_t>(gpu_count));
  }
  [[nodiscard]] int64_t total_gpu_milli() const;

  friend bool operator==(const NodeState&, const NodeState&) = default;
};

// Bit of NodeState::kinds. REQUIRES: demand.gpus > 0.
uint32_t KindOf(const PodDemand& demand);

// Whether the node's model is one of the demand's; true without GPUs.
bool ModelSuits(const NodeState& node, const PodDemand& demand);

// Whether CPU, memory, model and GPUs suffice. A pod on several GPUs needs whole free ones.
bool Fits(const NodeState& node, const PodDemand& demand);

// Takes the demand from the node: a share from GPU `gpu`, whole GPUs from the first free ones
// (`gpu` is not looked at). REQUIRES: Fits, and for a share that GPU `gpu` has enough left.
void Place(NodeState& node, const PodDemand& demand, int gpu);

// A cluster and the pods that may arrive at it.
struct Setting {
  std::vector<NodeState> nodes;    // all free
  std::vector<PodDemand> demands;  // those that occur, each once, sorted
  std::vector<int> pods;           // each row of the pod list as an index into demands
  int64_t gpu_milli = 0;           // of all nodes
  int64_t most_cpu_milli = 0;      // of one node
  int64_t most_gpu_milli = 0;      // of one node
};

// Errors: kInvalidArgument for a cluster without GPUs, a node or a model too many for the bounds
// above, no pod that wants a GPU, or a pod that wants shares of several GPUs.
Result<Setting> MakeSetting(std::span<const trace::OpenbNode> nodes,
                            std::span<const trace::OpenbPod> pods);

}  // namespace flexmig::arrival
