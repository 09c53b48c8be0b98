#include "scratch_folder.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

namespace flexmig::perf {

namespace fs = std::filesystem;

namespace {

constexpr const char* kParent = "/dev/shm";
constexpr const char* kPrefix = "hsm-perf-";

UniqueFd OpenFolder(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

}  // namespace

Status ScratchFolder::Make() {
  RemoveAbandonedFolders(kParent);
  std::string path = StrCat(kParent, "/", kPrefix, "XXXXXX");
  if (::mkdtemp(path.data()) == nullptr) {
    const int error = errno;
    return ErrnoError(error, path);
  }
  path_ = path;
  lock_ = OpenFolder(path);
  if (!lock_.valid() || ::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    return ErrnoError(error, path);
  }
  return OkStatus();
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

std::string ScratchFolder::LastWords() const {
  const auto said = ReadFile(log_path());
  if (!said.ok()) return "";
  std::string text(StripWhitespace(*said));
  if (text.size() > 300) text = "..." + text.substr(text.size() - 300);
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

void RemoveAbandonedFolders(const fs::path& parent) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const UniqueFd folder = OpenFolder(entry.path());
    struct stat status {};
    if (!folder.valid() || ::fstat(folder.get(), &status) != 0 || status.st_uid != ::geteuid()) {
      continue;
    }
    const auto changed = std::chrono::system_clock::from_time_t(status.st_ctime);
    if (std::chrono::system_clock::now() - changed < std::chrono::minutes(1)) continue;
    if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) continue;
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace flexmig::perf
