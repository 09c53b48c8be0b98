#include "flexmig/arrival/cluster.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "flexmig/base/check.h"
#include "flexmig/base/strings.h"

namespace flexmig::arrival {

namespace {

constexpr uint64_t kAnyModel = (uint64_t{1} << kMaxModels) - 1;

Result<NodeState> MakeNode(const trace::OpenbNode& source, std::map<std::string, int>& models) {
  NodeState node;
  node.cpu_milli = source.cpu_milli;
  node.memory_mib = source.memory_mib;
  node.gpu_count = source.gpus;
  if (source.gpus > kMaxGpus) {
    return InvalidArgumentError(
        StrCat("node ", source.name, " has ", source.gpus, " GPUs, at most ", kMaxGpus));
  }
  std::fill_n(node.gpu_milli.begin(), source.gpus, kGpuMilli);
  if (source.gpus == 0) return node;
  node.model = models.emplace(source.model, static_cast<int>(models.size())).first->second;
  if (node.model >= kMaxModels) {
    return InvalidArgumentError(StrCat("more than ", kMaxModels, " GPU models"));
  }
  return node;
}

Result<PodDemand> MakeDemand(const trace::OpenbPod& pod, const std::map<std::string, int>& models) {
  PodDemand demand{pod.cpu_milli, pod.memory_mib, pod.num_gpu, pod.gpu_milli, kAnyModel};
  if (pod.num_gpu > 1 && pod.gpu_milli != kGpuMilli) {
    return InvalidArgumentError(StrCat("pod ", pod.name, " wants ", pod.gpu_milli,
                                       " thousandths of each of ", pod.num_gpu,
                                       " GPUs; shares are of one GPU only"));
  }
  if (pod.num_gpu == 0 || pod.gpu_spec.empty()) return demand;
  demand.models = 0;
  for (const std::string& name : pod.gpu_spec) {
    // A model that no node has adds nothing.
    const auto at = models.find(name);
    if (at != models.end()) demand.models |= uint64_t{1} << at->second;
  }
  return demand;
}

}  // namespace

int64_t NodeState::total_gpu_milli() const {
  return std::accumulate(gpus().begin(), gpus().end(), int64_t{0});
}

uint32_t KindOf(const PodDemand& demand) {
  FLEXMIG_CHECK(demand.gpus > 0);
  return uint32_t{1} << (demand.shares_gpu() ? 0 : std::min(demand.gpus, kMaxGpus));
}

bool ModelSuits(const NodeState& node, const PodDemand& demand) {
  return demand.gpus == 0 || (demand.models >> node.model & 1) != 0;
}

bool Fits(const NodeState& node, const PodDemand& demand) {
  if (node.cpu_milli < demand.cpu_milli || node.memory_mib < demand.memory_mib) return false;
  if (demand.gpus == 0) return true;
  if (!ModelSuits(node, demand)) return false;
  const auto enough = [&](int left) { return left >= demand.gpu_milli; };
  return std::count_if(node.gpus().begin(), node.gpus().end(), enough) >= demand.gpus;
}

void Place(NodeState& node, const PodDemand& demand, int gpu) {
  node.cpu_milli -= demand.cpu_milli;
  node.memory_mib -= demand.memory_mib;
  FLEXMIG_CHECK(node.cpu_milli >= 0 && node.memory_mib >= 0);
  if (demand.gpus == 0) return;
  node.kinds |= KindOf(demand);
  if (demand.shares_gpu()) {
    FLEXMIG_CHECK(gpu >= 0 && gpu < node.gpu_count);
    int& left = node.gpu_milli[static_cast<size_t>(gpu)];
    left -= demand.gpu_milli;
    FLEXMIG_CHECK(left >= 0);
    return;
  }
  int wanted = demand.gpus;
  for (int& left : std::span(node.gpu_milli).first(static_cast<size_t>(node.gpu_count))) {
    if (wanted == 0) return;
    if (left != kGpuMilli) continue;
    left = 0;
    --wanted;
  }
  FLEXMIG_CHECK(wanted == 0);
}

Result<Setting> MakeSetting(std::span<const trace::OpenbNode> nodes,
                            std::span<const trace::OpenbPod> pods) {
  Setting setting;
  std::map<std::string, int> models;
  for (const trace::OpenbNode& source : nodes) {
    FLEXMIG_ASSIGN_OR_RETURN(NodeState node, MakeNode(source, models));
    setting.gpu_milli += node.total_gpu_milli();
    setting.most_cpu_milli = std::max(setting.most_cpu_milli, node.cpu_milli);
    setting.most_gpu_milli = std::max(setting.most_gpu_milli, node.total_gpu_milli());
    setting.nodes.push_back(node);
  }
  if (setting.gpu_milli == 0) return InvalidArgumentError("no node has a GPU");

  std::vector<PodDemand> demand_of;
  bool any_gpu = false;
  for (const trace::OpenbPod& pod : pods) {
    FLEXMIG_ASSIGN_OR_RETURN(const PodDemand demand, MakeDemand(pod, models));
    any_gpu = any_gpu || demand.gpus > 0;
    demand_of.push_back(demand);
  }
  if (!any_gpu) return InvalidArgumentError("no pod wants a GPU");
  setting.demands = demand_of;
  std::sort(setting.demands.begin(), setting.demands.end());
  setting.demands.erase(std::unique(setting.demands.begin(), setting.demands.end()),
                        setting.demands.end());
  for (const PodDemand& demand : demand_of) {
    const auto at = std::lower_bound(setting.demands.begin(), setting.demands.end(), demand);
    setting.pods.push_back(static_cast<int>(at - setting.demands.begin()));
  }
  return setting;
}

}  // namespace flexmig::arrival
