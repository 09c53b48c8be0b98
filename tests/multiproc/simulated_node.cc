#include "simulated_node.h"

#include <cstdlib>

#include <unistd.h>

#include "flexmig/base/strings.h"
#include "flexmig/mig/layout.h"

namespace flexmig::test {

SimulatedNode::SimulatedNode(const std::string& name) : backend_(StrCat("sim:", name)) {
  simhw::SimOptions options;
  options.state_directory = folder_ / "state/sim";
  boards_ = simhw::OpenSimNode(name, std::move(options)).value();
  name_ = boards_->spec().name;
}

void SimulatedNode::Flatten() {
  const auto gpus = boards_->ListGpus().value();
  for (const auto& gpu : gpus) {
    FLEXMIG_CHECK(boards_->SetMigMode(gpu.index, true).ok());
    const auto layout = mig::UniformLayout(*gpu.model, mig::DefaultLeafProfile(*gpu.model).name);
    for (const auto& placed : layout.value()) {
      const auto instance = boards_->CreateGpuInstance(gpu.index, placed).value();
      FLEXMIG_CHECK(boards_->CreateComputeInstance(gpu.index, instance).ok());
    }
  }
}

std::unique_ptr<ProcessTree> SimulatedNode::Run(const std::vector<std::string>& arguments,
                                                const ProcessTree::Files& files) const {
  return std::make_unique<ProcessTree>(files, [&] {
    ::setenv("FLEXMIG_STATE_DIR", (folder_ / "state").c_str(), 1);
    ::setenv("FLEXMIG_BACKEND", backend_.c_str(), 1);
    std::vector<std::string> command = {FLEXMIG_BINARY, "run"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    pointers.reserve(command.size() + 1);
    for (auto& argument : command) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    ::execv(pointers[0], pointers.data());
    return 125;
  });
}

agent::BusyLeaves SimulatedNode::Leases() const {
  const auto store = agent::LeaseStore::Open(folder_ / "state/leases" / StrCat("sim-", name_));
  return store.value().Snapshot().value();
}

size_t SimulatedNode::QueueLength() const {
  std::error_code error;
  const std::filesystem::directory_iterator queue(
      folder_ / "state/leases" / StrCat("sim-", name_) / "queue", error);
  return error ? 0 : static_cast<size_t>(std::distance(begin(queue), end(queue)));
}

size_t SimulatedNode::ProcessCount() const {
  size_t count = 0;
  const auto gpus = boards_->ListGpus().value();
  for (const auto& gpu : gpus) count += boards_->ListProcesses(gpu.index).value().size();
  return count;
}

mig::NodeInventory SimulatedNode::Inventory() const { return hw::ReadInventory(*boards_).value(); }

}  // namespace flexmig::test
