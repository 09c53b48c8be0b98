#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "flexmig/agent/gang.h"
#include "flexmig/base/file.h"
#include "flexmig/base/strings.h"

#include "process_tree.h"

namespace flexmig::agent {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Bound;
using test::Eventually;
using test::ProcessTree;

inline GangSpec Gang(int world_size, std::vector<std::string> command) {
  GangSpec spec;
  spec.command = std::move(command);
  for (int r = 0; r < world_size; ++r) {
    spec.ranks.push_back({.variables = {{"RANK", StrCat(r)}}, .leaf = StrCat("leaf-", r)});
  }
  return spec;
}

inline GangSpec Shell(int world_size, const std::string& script) {
  return Gang(world_size, {"/bin/sh", "-c", script});
}

inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto line : StrSplit(text, '\n')) lines.emplace_back(line);
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

class GangTest : public testing::Test {
 protected:
  // Begins `flexmig run` in a process of its own. Its output goes to the files "out" and "err".
  void Start(const GangSpec& spec) { Start(spec, folder_ / "out", folder_ / "err"); }

  void Start(const GangSpec& spec, const std::string& out, const std::string& err) {
    ProcessTree::Files files;
    files.standard_input = stdin_;
    files.standard_output = out;
    files.standard_error = err;
    tree_.emplace(files, [&] {
      if (reader_ >= 0) ::close(reader_);  // or the pipe would never lose its last reader
      auto signals = SignalWatch::Create();
      const auto result = RunGang(spec, *signals);
      const Status report = WriteFileAtomically(
          folder_ / "result", result.ok() ? result->message : result.status().ToString());
      if (!report.ok()) return 99;
      return result.ok() ? result->exit_code : 98;
    });
  }
  int Run(const GangSpec& spec) {
    Start(spec);
    return tree_->ExitCode();
  }
  std::string Content(const char* name) {
    auto content = ReadFile(folder_ / name);
    return content.ok() ? *content : "";
  }
  // Waits until the file has `count` lines; every rank writes one when it is ready.
  bool HasLines(const char* name, int count) {
    return Eventually([&] { return std::ssize(Lines(Content(name))) >= count; });
  }
  pid_t Front() const { return tree_->root(); }
  pid_t Keeper() const {
    for (const pid_t pid : tree_->Alive()) {
      if (test::NameOf(pid) == "flexmig-keeper") return pid;
    }
    return 0;
  }
  milliseconds SinceStart() const {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start_);
  }
  void Mark() { start_ = std::chrono::steady_clock::now(); }

  test::TemporaryFolder folder_;
  std::string stdin_ = "/dev/null";
  int reader_ = -1;  // of the pipe that the output goes to
  std::optional<ProcessTree> tree_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace flexmig::agent
