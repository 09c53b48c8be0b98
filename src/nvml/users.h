#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "flexmig/base/status.h"
#include "flexmig/hw/mig_backend.h"

#include "board.h"
#include "library.h"

namespace flexmig::nvml {

// Tells apart why the driver says IN_USE: somebody whom the caller can see (processes, compute
// instances), nobody any more in a moment, or somebody unseen, such as a monitoring program.
class Users {
 public:
  // Both are kept by reference.
  Users(const Library& library, const NvmlOptions& options)
      : library_(library), options_(options) {}

  // Calls until the driver says something other than IN_USE, which is then in `code`. While it says
  // so, `known_user` is asked who it is: an error it returns ends the wait, because only the caller
  // can do something about it. After `retry_for` it is HeldByUnseen.
  Status WaitWhileInUse(std::string_view what, const std::function<nvml_abi::Return()>& call,
                        const std::function<Status()>& known_user, nvml_abi::Return& code) const;

  // kFailedPrecondition naming the processes for which `is_on_it` is true, if there are any.
  Status CheckClients(const Board& board, std::string_view what,
                      const std::function<bool(const hw::GpuProcess&)>& is_on_it) const;

  // kFailedPrecondition with the programs that are the likely holders, and how long was waited for
  // them to go.
  [[nodiscard]] Status HeldByUnseen(std::string_view what, std::chrono::milliseconds waited) const;

 private:
  const Library& library_;
  const NvmlOptions& options_;
};

}  // namespace flexmig::nvml
