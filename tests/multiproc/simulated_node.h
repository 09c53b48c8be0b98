#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flexmig/agent/lease_store.h"
#include "flexmig/simhw/sim_node.h"

#include "process_tree.h"

namespace flexmig::test {

// A state folder of its own with one simulated node, and the command flexmig working on it.
class SimulatedNode {
 public:
  // `name` as for --backend sim:<name>.
  explicit SimulatedNode(const std::string& name);

  // Cuts every GPU into its smallest leaves.
  void Flatten();

  // Starts `flexmig run <arguments>` on the node.
  std::unique_ptr<ProcessTree> Run(const std::vector<std::string>& arguments,
                                   const ProcessTree::Files& files) const;

  [[nodiscard]] agent::BusyLeaves Leases() const;
  // Launchers that queue for leaves, dead ones not yet removed included.
  [[nodiscard]] size_t QueueLength() const;
  // How many processes are on the simulated boards.
  [[nodiscard]] size_t ProcessCount() const;
  [[nodiscard]] mig::NodeInventory Inventory() const;

  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }
  [[nodiscard]] const std::string& backend() const { return backend_; }

 private:
  TemporaryFolder folder_;
  std::string name_;
  std::string backend_;
  std::unique_ptr<simhw::SimNode> boards_;
};

}  // namespace flexmig::test
