#include "flexmig/simhw/node_store.h"

#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "flexmig/base/file.h"

namespace flexmig::simhw {

namespace {

bool IsSameContent(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

NodeStore::NodeStore(NodeSpec spec, std::filesystem::path directory,
                     std::chrono::milliseconds lock_wait)
    : spec_(std::move(spec)),
      directory_(std::move(directory)),
      lock_wait_(lock_wait),
      memory_(FreshState(spec_)) {}

Result<NodeState> NodeStore::Read() {
  if (directory_.empty()) return memory_;
  const auto file = directory_ / "node.json";
  struct stat now = {};
  if (last_file_.valid() && ::stat(file.c_str(), &now) == 0 && IsSameContent(now, last_stat_)) {
    return last_state_;
  }
  // Opened first: if the file is replaced before it is read, the next look sees another inode.
  UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat stat_now = {};
  const bool can_remember = opened.valid() && ::fstat(opened.get(), &stat_now) == 0;
  const auto text = ReadFile(file);
  if (text.status().code() == StatusCode::kNotFound) return FreshState(spec_);
  if (!text.ok()) return text.status();
  FLEXMIG_ASSIGN_OR_RETURN(NodeState state, ParseNodeState(spec_, *text, file.native()));
  // What was read is the opened file's only if the name still leads to it.
  if (can_remember && ::stat(file.c_str(), &now) == 0 && IsSameContent(now, stat_now)) {
    last_file_ = std::move(opened);
    last_stat_ = stat_now;
    last_state_ = state;
  }
  return state;
}

Status NodeStore::Change(const std::function<Status(NodeState&)>& change,
                         const std::function<Status(const NodeState&)>& after) {
  std::optional<FileLock> lock;
  if (!directory_.empty()) {
    FLEXMIG_RETURN_IF_ERROR(MakePrivateDirectory(directory_));
    FLEXMIG_ASSIGN_OR_RETURN(lock,
                             FileLock::Acquire(directory_ / "lock", Deadline::After(lock_wait_)));
  }
  FLEXMIG_ASSIGN_OR_RETURN(NodeState state, Read());
  FLEXMIG_RETURN_IF_ERROR(change(state));
  if (directory_.empty()) {
    memory_ = state;
  } else {
    FLEXMIG_RETURN_IF_ERROR(
        WriteFileAtomically(directory_ / "node.json", FormatNodeState(spec_, state)));
  }
  return after ? after(state) : OkStatus();
}

}  // namespace flexmig::simhw
