#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig {

// The whole file. Errors: kNotFound, kPermissionDenied, kInvalidArgument for a directory; the
// message names the path.
Result<std::string> ReadFile(const std::filesystem::path& path);

// Replaces the file's content so that any reader, and any crash at any point, sees the old content
// or the new, never a mixture: written to a temporary name beside it (mode 0600), synced, renamed.
// A crash can leave the temporary file, named ".<name>.<random>.tmp".
Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

// Creates the directory and its parents with mode 0700 where missing. An existing directory is
// accepted as it is if it belongs to this user.
// Errors: kPermissionDenied if it belongs to somebody else or is open to writing by others.
Status MakePrivateDirectory(const std::filesystem::path& path);

// An exclusive advisory lock (flock) on a file, which is created (0600) if missing. Held until the
// last copy of the descriptor is closed, so the kernel frees it however the holders die; a forked
// child that keeps the descriptor keeps the lock.
class FileLock {
 public:
  // Errors: kUnavailable if somebody else holds it (the message ends in the holder's process id if
  // it wrote one), kPermissionDenied, kNotFound for a missing folder. Does not wait.
  static Result<FileLock> TryAcquire(const std::filesystem::path& path);

  // As TryAcquire, but waits until `deadline`; then kDeadlineExceeded.
  static Result<FileLock> Acquire(const std::filesystem::path& path, Deadline deadline);

  // Close-on-exec; the file's content is the holder's process id.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// The user's private folder for state that must outlive a command but not the boot:
// $FLEXMIG_STATE_DIR, else $XDG_RUNTIME_DIR/flexmig, else $HOME/.local/state/flexmig.
// Does not create it. Errors: kFailedPrecondition if none of the variables is set.
Result<std::filesystem::path> StateDirectory();

}  // namespace flexmig
