#include "flexmig/base/file.h"

#include <cerrno>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/env.h"
#include "flexmig/base/io.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig {

void UniqueFd::Reset(int fd) {
  // EINTR from close() leaves the descriptor closed on Linux, so there is nothing to retry.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<std::string> ReadFile(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError(errno, path.native());
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n == 0) return content;
    if (n > 0) {
      content.append(buffer, static_cast<size_t>(n));
    } else if (errno != EINTR) {
      const int error = errno;
      if (error == EISDIR) return InvalidArgumentError(StrCat(path.native(), ": is a directory"));
      return ErrnoError(error, path.native());
    }
  }
}

Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content) {
  const auto temporary =
      path.parent_path() / StrCat(".", path.filename().native(), ".", RandomHex(8), ".tmp");
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoError(errno, temporary.native());
  Status status = WriteAll(fd.get(), content.data(), content.size());
  if (status.ok() && ::fsync(fd.get()) != 0) status = ErrnoError(errno, "fsync");
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoError(errno, "rename");
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status.WithContext(path.native());
}

Status MakePrivateDirectory(const std::filesystem::path& path) {
  if (path.has_parent_path() && path.parent_path() != path) {
    struct stat parent {};
    if (::stat(path.parent_path().c_str(), &parent) != 0) {
      FLEXMIG_RETURN_IF_ERROR(MakePrivateDirectory(path.parent_path()));
    }
  }
  if (::mkdir(path.c_str(), 0700) == 0) return OkStatus();
  if (errno != EEXIST) return ErrnoError(errno, path.native());
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoError(errno, path.native());
  if (!S_ISDIR(info.st_mode)) {
    return FailedPreconditionError(StrCat(path.native(), ": is not a directory"));
  }
  if (info.st_uid != ::geteuid()) {
    return PermissionDeniedError(StrCat(path.native(), ": belongs to user ", info.st_uid));
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return PermissionDeniedError(StrCat(path.native(), ": other users may write to it"));
  }
  return OkStatus();
}

namespace {

// The process id that the holder wrote, or "" if it has not (yet).
std::string HolderOf(int fd) {
  char text[16];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  if (n <= 0) return "";
  return std::string(StripWhitespace({text, static_cast<size_t>(n)}));
}

}  // namespace

Result<FileLock> FileLock::TryAcquire(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoError(errno, path.native());
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return ErrnoError(errno, path.native());
    const std::string holder = HolderOf(fd.get());
    return UnavailableError(StrCat(path.native(), " is locked by ",
                                   holder.empty() ? "another process" : "process " + holder));
  }
  const std::string self = StrCat(::getpid(), "\n");
  // The text only serves the message above: a full disk must not make a lock fail.
  if (::ftruncate(fd.get(), 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(fd.get(), self.data(), self.size(), 0);
  }
  return FileLock(std::move(fd));
}

Result<FileLock> FileLock::Acquire(const std::filesystem::path& path, Deadline deadline) {
  // flock() has no timeout; 2 ms keeps the wait short beside the work done under any of our locks.
  constexpr auto kPoll = std::chrono::milliseconds(2);
  while (true) {
    auto lock = TryAcquire(path);
    if (lock.ok() || lock.status().code() != StatusCode::kUnavailable) return lock;
    if (deadline.HasPassed()) return DeadlineExceededError(lock.status().message());
    std::this_thread::sleep_for(kPoll);
  }
}

Result<std::filesystem::path> StateDirectory() {
  if (const auto dir = GetEnv("FLEXMIG_STATE_DIR")) return std::filesystem::path(*dir);
  if (const auto dir = GetEnv("XDG_RUNTIME_DIR")) return std::filesystem::path(*dir) / "flexmig";
  if (const auto dir = GetEnv("HOME")) return std::filesystem::path(*dir) / ".local/state/flexmig";
  return FailedPreconditionError(
      "no place for state: set FLEXMIG_STATE_DIR, XDG_RUNTIME_DIR or HOME");
}

}  // namespace flexmig
