#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

#include <sys/stat.h>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"
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
  // Reads the file only if it has been replaced since the last time.
  // Errors: kDataLoss as ParseNodeState, and those of ReadFile.
  Result<NodeState> Read();

  // Calls `change` on the state with all other changes excluded, and keeps the result if it
  // returns ok; otherwise passes its error on and nothing has changed.
  // `after`, if given, is called with the stored state before others may change it; its error is
  // passed on, although the change stands.
  // Errors: also those of Read, and kDeadlineExceeded naming the process that holds the lock.
  Status Change(const std::function<Status(NodeState&)>& change,
                const std::function<Status(const NodeState&)>& after = nullptr);

 private:
  const NodeSpec spec_;
  const std::filesystem::path directory_;
  const std::chrono::milliseconds lock_wait_;
  NodeState memory_;  // used only without a directory

  // The file that was read last. It stays open, so that its inode cannot become another file's: as
  // long as the name leads to it, and it looks as it did, `last_state_` is its content.
  UniqueFd last_file_;
  struct stat last_stat_ = {};
  NodeState last_state_;
};

}  // namespace flexmig::simhw
