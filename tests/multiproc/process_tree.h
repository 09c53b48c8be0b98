#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "bound.h"

namespace flexmig::test {

// Polls every millisecond; false if `condition` was not met within Bound(20 s).
bool Eventually(const std::function<bool()>& condition);

// A temporary folder of this process.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// One process that the test starts, and everything below it. The test becomes a subreaper, so that
// no descendant can escape being counted, however it detaches itself.
class ProcessTree {
 public:
  struct Files {
    std::string standard_input = "/dev/null";
    std::string standard_output;
    std::string standard_error;
  };

  // Forks a process that runs `body` with its output in files, and exits with its result.
  ProcessTree(const Files& files, const std::function<int()>& body);
  // Kills what is left.
  ~ProcessTree();
  ProcessTree(const ProcessTree&) = delete;
  ProcessTree& operator=(const ProcessTree&) = delete;

  [[nodiscard]] pid_t root() const { return root_; }
  // Everything alive below the test, zombies not counted: the root first, children before
  // grandchildren.
  [[nodiscard]] std::vector<pid_t> Alive() const;

  // The exit code of the root as a shell has it; -1 if it does not end within Bound(20 s).
  int ExitCode();
  // Waits until nothing is alive; false if something still is after `bound`.
  bool IsGoneWithin(std::chrono::milliseconds bound);

 private:
  pid_t root_ = 0;
};

// The process's name (/proc/<pid>/comm), or "".
std::string NameOf(pid_t pid);

}  // namespace flexmig::test
