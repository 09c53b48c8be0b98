#include "flexmig/simhw/node_store.h"

#include <utility>

#include "flexmig/base/file.h"

namespace flexmig::simhw {

NodeStore::NodeStore(NodeSpec spec, std::filesystem::path directory,
                     std::chrono::milliseconds lock_wait)
    : spec_(std::move(spec)),
      directory_(std::move(directory)),
      lock_wait_(lock_wait),
      memory_(FreshState(spec_)) {}

Result<NodeState> NodeStore::Read() const {
  if (directory_.empty()) return memory_;
  const auto file = directory_ / "node.json";
  const auto text = ReadFile(file);
  if (text.status().code() == StatusCode::kNotFound) return FreshState(spec_);
  if (!text.ok()) return text.status();
  return ParseNodeState(spec_, *text, file.native());
}

Status NodeStore::Change(const std::function<Status(NodeState&)>& change) {
  std::optional<FileLock> lock;
  if (!directory_.empty()) {
    FLEXMIG_RETURN_IF_ERROR(MakePrivateDirectory(directory_));
    FLEXMIG_ASSIGN_OR_RETURN(lock,
                             FileLock::Acquire(directory_ / "lock", Deadline::After(lock_wait_)));
  }
  FLEXMIG_ASSIGN_OR_RETURN(NodeState state, Read());
  FLEXMIG_RETURN_IF_ERROR(change(state));
  if (directory_.empty()) {
    memory_ = std::move(state);
    return OkStatus();
  }
  return WriteFileAtomically(directory_ / "node.json", FormatNodeState(spec_, state));
}

}  // namespace flexmig::simhw
