#pragma once

#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "flexmig/base/strings.h"
#include "flexmig/device/device_communicator.h"

#include "rank_processes.h"
#include "sim_device.h"
#include "simulated_node.h"

// Ranks that are processes on leaves of a simulated node. The driver is loaded in the ranks only:
// it does not outlive a fork.
namespace flexmig::multiproc {

using device::DeviceBuffer;
using device::DeviceCommunicator;
using device::DeviceOptionsFor;
using device::RawDriver;
using device::SimDriver;
using device::UserStream;

using Variables = std::vector<std::pair<std::string, std::string>>;

// What a rank sees as its environment, before the driver's first use.
inline void SetVariables(const Variables& variables) {
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
}

// A node that is flattened, whose leaves the ranks take in their order.
class LeafNode {
 public:
  explicit LeafNode(const std::string& name) : name_(name), node_(name) {
    node_.Flatten();
    for (const auto& leaf : node_.Inventory().leaves) leaves_.push_back(leaf.uuid.value());
  }

  [[nodiscard]] const std::string& leaf(int rank) const {
    return leaves_[static_cast<size_t>(rank)];
  }
  // Of the rank that takes `leaf`.
  [[nodiscard]] Variables VariablesFor(int leaf_number) const {
    return {{"FLEXMIG_STATE_DIR", (node_.folder() / "state").string()},
            {"FLEXMIG_SIM_NODE", name_},
            {"CUDA_VISIBLE_DEVICES", leaf(leaf_number)}};
  }

 private:
  std::string name_;
  test::SimulatedNode node_;
  std::vector<std::string> leaves_;
};

using DeviceBody = std::function<void(DeviceCommunicator&, RankReport&)>;

// The processes of `world_size` ranks, each with a communicator on its leaf.
inline RankProcesses::Body OnLeaves(const LeafNode& node, const std::string& rendezvous,
                                    int world_size, const DeviceBody& body,
                                    const Variables& variables = {},
                                    std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
  return [&node, rendezvous, world_size, body, variables, timeout](int rank, RankReport& report) {
    SetVariables(node.VariablesFor(rank));
    SetVariables(variables);
    auto communicator = DeviceCommunicator::Create(
        SimDriver::Instance().driver(), DeviceOptionsFor(rendezvous, rank, world_size, timeout));
    ASSERT_TRUE(communicator.ok()) << communicator.status().ToString();
    body(**communicator, report);
  };
}

// Runs `body` on every rank and expects every rank to succeed.
inline void RunOnLeaves(const LeafNode& node, int world_size, const DeviceBody& body,
                        const Variables& variables = {}) {
  const std::string rendezvous = RandomHex(16);
  RankProcesses ranks(world_size, OnLeaves(node, rendezvous, world_size, body, variables));
  for (int rank = 0; rank < world_size; ++rank) {
    EXPECT_TRUE(ranks.Succeeded(rank)) << "rank " << rank << " of " << world_size;
  }
}

// Bytes over a GPU's link so far, of all processes of the node.
struct LinkBytes {
  uint64_t up = 0;    // from the GPU
  uint64_t down = 0;  // to the GPU

  static LinkBytes Of(uint32_t gpu) {
    LinkBytes bytes;
    using Read = cuda_abi::ResultCode(uint32_t, uint64_t*, uint64_t*);
    SimDriver::Instance().raw().Call<Read>("flexmigSimLinkBytes", gpu, &bytes.up, &bytes.down);
    return bytes;
  }
  friend LinkBytes operator-(const LinkBytes& a, const LinkBytes& b) {
    return {a.up - b.up, a.down - b.down};
  }
};

}  // namespace flexmig::multiproc
