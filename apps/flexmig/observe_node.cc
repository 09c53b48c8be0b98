#include "observe_node.h"

namespace flexmig::app {

Result<std::vector<partition::ObservedGpu>> ObserveNode(const Node& node) {
  FLEXMIG_ASSIGN_OR_RETURN(const auto statuses, node.backend->ListGpus());
  std::vector<partition::ObservedGpu> gpus;
  for (const hw::GpuStatus& status : statuses) {
    FLEXMIG_ASSIGN_OR_RETURN(
        gpus.emplace_back(),
        partition::Observe(*node.backend, status.index, partition::CreatedRecord(), nullptr));
  }
  return gpus;
}

}  // namespace flexmig::app
