#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "flexmig/base/status.h"

namespace flexmig::nccl {

// What the environment says about communicators. Read when each is made.
struct Settings {
  std::chrono::milliseconds timeout = std::chrono::minutes(30);  // FLEXMIG_TIMEOUT
  std::string fallback;                                          // FLEXMIG_NCCL_FALLBACK, or ""
};
// Errors: kInvalidArgument naming the variable that is malformed.
Result<Settings> ReadSettings();

// What to tell a user about the variable NCCL_... `name`: "" if it does here what NCCL's
// documentation says, else why it has no effect.
[[nodiscard]] std::string WhyWithoutEffect(std::string_view name);

// One sentence for each NCCL_ variable that is set and has no effect, sorted.
[[nodiscard]] std::vector<std::string> VariablesWithoutEffect();
// Logs them at INFO, subsystem ENV, the first time in this process.
void TellVariablesOnce();

}  // namespace flexmig::nccl
