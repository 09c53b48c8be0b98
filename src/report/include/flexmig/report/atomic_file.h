#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig::report {

// A file that is written piece by piece and appears whole: as WriteFileAtomically, for content that
// should not lie in memory at once. Whoever looks sees the old content or the new.
//
// Until Commit the content is in ".<name>.<random>.tmp" beside it, which the destructor removes and
// a kill leaves. Mode 0666 less the umask: results are for other people, too.
// Memory: one buffer of 256 KiB. Threading: one owner.
class AtomicFile {
 public:
  // Errors: kNotFound for a missing folder, kPermissionDenied; the message names the path.
  static Result<AtomicFile> Create(const std::filesystem::path& path);

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  AtomicFile(AtomicFile&& other) noexcept = default;
  AtomicFile& operator=(AtomicFile&& other) noexcept = delete;
  ~AtomicFile();

  // Errors: those of write(2), e.g. kResourceExhausted for a full disk. The file is spent then.
  Status Write(std::string_view text);
  // Makes the content the file's, on disk. Nothing may be written afterwards. Errors as Write.
  Status Commit();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, UniqueFd fd);
  Status Flush();

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  UniqueFd fd_;
  std::string buffer_;
};

}  // namespace flexmig::report
