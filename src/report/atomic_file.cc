#include "flexmig/report/atomic_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/io.h"
#include "flexmig/base/random.h"
#include "flexmig/base/strings.h"

namespace flexmig::report {

namespace {

// Large enough that a write is rare beside the formatting of its rows.
constexpr size_t kBufferBytes = 256 << 10;

}  // namespace

Result<AtomicFile> AtomicFile::Create(const std::filesystem::path& path) {
  auto temporary =
      path.parent_path() / StrCat(".", path.filename().native(), ".", RandomHex(8), ".tmp");
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!fd.valid()) return ErrnoError(errno, path.native());
  return AtomicFile(path, std::move(temporary), std::move(fd));
}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path temporary, UniqueFd fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {
  buffer_.reserve(kBufferBytes);
}

AtomicFile::~AtomicFile() {
  // A moved-from path is unspecified; the descriptor says whether this object still owns the file.
  if (fd_.valid()) ::unlink(temporary_.c_str());
}

Status AtomicFile::Write(std::string_view text) {
  if (buffer_.size() + text.size() > kBufferBytes) FLEXMIG_RETURN_IF_ERROR(Flush());
  if (text.size() < kBufferBytes) {
    buffer_ += text;
    return OkStatus();
  }
  return WriteAll(fd_.get(), text.data(), text.size()).WithContext(path_.native());
}

Status AtomicFile::Flush() {
  const Status status = WriteAll(fd_.get(), buffer_.data(), buffer_.size());
  buffer_.clear();
  return status.WithContext(path_.native());
}

Status AtomicFile::Commit() {
  FLEXMIG_RETURN_IF_ERROR(Flush());
  if (::fsync(fd_.get()) != 0) return ErrnoError(errno, path_.native());
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return ErrnoError(errno, path_.native());
  fd_.Reset();
  return OkStatus();
}

}  // namespace flexmig::report
