#include "node.h"

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"
#include "flexmig/nvml/nvml_backend.h"
#include "flexmig/simhw/sim_node.h"

namespace flexmig::app {

CLI::Option* AddBackendOption(CLI::App& command, std::string& backend) {
  return command
      .add_option("--backend", backend,
                  "The boards to talk to: nvml (this machine's), or sim:<node>, e.g. "
                  "sim:dgx-a100-40")
      ->envname("FLEXMIG_BACKEND")
      ->required();
}

Result<Node> OpenNode(const std::string& backend) {
  constexpr std::string_view kSimulated = "sim:";
  if (backend == "nvml") {
    FLEXMIG_ASSIGN_OR_RETURN(auto boards, nvml::OpenNvml(nvml::NvmlOptionsFromEnvironment()));
    return Node{"nvml", std::move(boards), nullptr};
  }
  if (!backend.starts_with(kSimulated)) {
    return InvalidArgumentError(
        StrCat("no backend '", backend, "'; expected nvml, or sim:<node>, e.g. sim:dgx-a100-40"));
  }
  FLEXMIG_ASSIGN_OR_RETURN(auto options, simhw::SimOptionsFromEnvironment());
  FLEXMIG_ASSIGN_OR_RETURN(
      std::unique_ptr<simhw::SimNode> sim,
      simhw::OpenSimNode(std::string_view(backend).substr(kSimulated.size()), std::move(options)));
  simhw::SimNode* const boards = sim.get();  // lives as long as the backend
  const std::string name = StrCat("sim-", sim->spec().name);
  return Node{name, std::move(sim), [boards](const mig::MigUuid& leaf, pid_t pid) {
                const Status attached = boards->AttachProcess(leaf.value(), pid);
                // It may have been quicker: through the simulated CUDA library.
                return attached.code() == StatusCode::kAlreadyExists ? OkStatus() : attached;
              }};
}

}  // namespace flexmig::app
