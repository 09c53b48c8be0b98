#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

#include "flexmig/base/deadline.h"
#include "flexmig/base/status.h"
#include "flexmig/sim/validation.h"

namespace flexmig::app {

// A simulated node of its own, on which `flexmig run` starts real jobs; its state and the jobs'
// output lie in a temporary folder, which goes with this object.
class ShortJobNode {
 public:
  // `node` as in "--backend sim:<node>", all GPUs flattened. Errors: kNotFound if the programs are
  // not beside this one; those of the commands, with their words.
  static Result<ShortJobNode> Create(const std::string& node);
  ShortJobNode(const ShortJobNode&) = delete;
  ShortJobNode& operator=(const ShortJobNode&) = delete;
  ShortJobNode(ShortJobNode&& other) noexcept = default;
  ShortJobNode& operator=(ShortJobNode&&) = delete;
  ~ShortJobNode();

  // Submits each job at its time and waits for the end of all. Times since the first submission.
  // Errors: kAborted for a job that failed, with its words; kDeadlineExceeded after which no job is
  // left either.
  Result<std::vector<sim::RunTimes>> Run(std::span<const sim::ShortJob> jobs, Deadline deadline);

 private:
  explicit ShortJobNode(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // Runs this program with these arguments; its output goes to `output` in the folder.
  Result<pid_t> Start(const std::vector<std::string>& arguments, const std::string& output) const;
  [[nodiscard]] std::string WordsOf(const std::string& output) const;

  std::filesystem::path folder_;
  std::string node_;
};

}  // namespace flexmig::app
