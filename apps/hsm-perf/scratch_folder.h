#pragma once

#include <filesystem>
#include <string>

#include "flexmig/base/status.h"
#include "flexmig/base/unique_fd.h"

namespace flexmig::perf {

// A private folder in memory for what libraries leave while they run (sockets, files of segments,
// words to stderr); removed with all in it. If this process is killed it stays, until the next
// program of this user makes one and finds nobody's lock on it.
class ScratchFolder {
 public:
  // Errors: as ErrnoError's of mkdtemp(3) and flock(2).
  Status Make();

  ScratchFolder() = default;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();

  // "" before Make.
  [[nodiscard]] const std::string& path() const { return path_; }
  // Where programs' stdout and stderr go.
  [[nodiscard]] std::string log_path() const { return path_ + "/log"; }
  // The end of what they said, on one line; "" if nothing.
  [[nodiscard]] std::string LastWords() const;

 private:
  std::string path_;
  UniqueFd lock_;
};

// Removes folders under `parent` whose makers are gone; those of the last minute stay, as their
// makers may not have locked them yet.
void RemoveAbandonedFolders(const std::filesystem::path& parent);

}  // namespace flexmig::perf
