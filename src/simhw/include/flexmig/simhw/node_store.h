#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

#include "flexmig/base/status.h"
#include "flexmig/simhw/node_spec.h"
#include "flexmig/simhw/node_state.h"

namespace flexmig::simhw {

// Where the state of a node lies between calls: in memory, or in `<directory>/node.json`, which all
// processes that simulate the node share. A crash at any point leaves the state before or after a
// change.
// Threading: thread-compatible; any number of processes.
class NodeStore {
 public:
  // In memory if `directory` is empty. The directory is created with the first change.
  // `lock_wait` bounds how long a change waits for another process's.
  NodeStore(NodeSpec spec, std::filesystem::path directory, std::chrono::milliseconds lock_wait);

  [[nodiscard]] const NodeSpec& spec() const { return spec_; }

  // The state now; a fresh machine if nobody has changed it yet. Never waits for a lock.
  // Errors: kDataLoss as ParseNodeState, and those of ReadFile.
  Result<NodeState> Read() const;

  // Calls `change` on the state with all other changes excluded, and keeps the result if it
  // returns ok; otherwise passes its error on and nothing has changed.
  // Errors: also those of Read, and kDeadlineExceeded naming the process that holds the lock.
  Status Change(const std::function<Status(NodeState&)>& change);

 private:
  const NodeSpec spec_;
  const std::filesystem::path directory_;
  const std::chrono::milliseconds lock_wait_;
  NodeState memory_;  // used only without a directory
};

}  // namespace flexmig::simhw
